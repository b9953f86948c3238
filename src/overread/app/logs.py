"""Logs as JSON lines on stderr. What is logged is chosen where it happens; nothing else gets in."""

from __future__ import annotations

import logging
import sys

import structlog

_NAMING_ADDRESSES = ("httpx", "httpcore", "urllib3", "granian", "_granian")
_NAMING_VALUES = ("pydicom", "highdicom", "py.warnings")


def configure_logs(level: str) -> None:
    """Set up structlog; libraries speak only from warnings on."""
    number = getattr(logging, level.upper())
    logging.basicConfig(stream=sys.stderr, level=max(number, logging.WARNING))
    # Said to each by name, whatever level the root gets later: at INFO they name the address of
    # every request, and a search's address may hold a Patient ID.
    for name in _NAMING_ADDRESSES:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    # These quote a malformed attribute's value, which may be a name or an ID, in a warning. What is
    # wrong with a file is said by our own checks, without its values.
    logging.captureWarnings(True)
    for name in _NAMING_VALUES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
