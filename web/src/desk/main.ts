/** The application starts here: nothing is made at import time but the element's definition. */
import './ov-desk.js';
