/** The shell: who is signed in, which page, and what this browser prefers. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { createClient, OfflineError, type LiveState } from '../client/index.js';
import { look } from '../panels/look.js';
import type { Session, Subscription } from '../words/index.js';
import { WorklistFeed } from './feed.js';
import { readPreferences, writePreferences, type Preferences } from './preferences.js';
import { parseRoute, type Route } from './route.js';
import './ov-audit.js';
import './ov-models.js';
import './ov-quarantine.js';
import './ov-reading.js';
import './ov-sign-in.js';
import './ov-top-bar.js';
import './ov-worklist.js';

const RESTORE_RETRY_MS = 3_000;

@customElement('ov-desk')
export class OvDesk extends LitElement {
  private readonly client = createClient();
  private feed: WorklistFeed | undefined;
  private subscriptions: Subscription[] = [];

  /** Undefined until the service has said whether the cookie stands. */
  @state() private session: Session | null | undefined;
  @state() private route: Route = parseRoute(window.location.pathname);
  @state() private preferences: Preferences = readPreferences();
  @state() private live: LiveState = 'stopped';
  @state() private waiting = 0;
  @state() private isQuarantineOpen = false;
  @state() private problem = '';

  static override styles = [
    look,
    css`
      :host {
        display: block;
        min-height: 100dvh;
        background: var(--ov-ground);
      }
      .plain {
        max-width: 560px;
        margin: 64px auto;
        padding: 0 16px;
      }
      h1 {
        margin-bottom: 8px;
        font-size: var(--ov-size-title);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.applyTheme();
    this.waiting = this.client.verdicts.pending().length;
    this.subscriptions = [
      this.client.session.on((session) => this.takeSession(session)),
      this.client.live.onState((live) => (this.live = live)),
      this.client.verdicts.onChange((pending) => (this.waiting = pending.length)),
    ];
    window.addEventListener('popstate', this.readAddress);
    this.addEventListener('click', this.followLink);
    void this.restore();
  }

  override disconnectedCallback(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    window.removeEventListener('popstate', this.readAddress);
    this.removeEventListener('click', this.followLink);
    this.feed?.dispose();
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    if (this.session === undefined) {
      return html`<div class="plain" role="status">${this.problem}</div>`;
    }
    if (this.session === null) return html`<ov-sign-in .client=${this.client}></ov-sign-in>`;
    return html`<div
      @ov-toggle-identity=${() => this.prefer({ isIdentityHidden: !this.preferences.isIdentityHidden })}
      @ov-toggle-theme=${() => this.prefer({ theme: this.preferences.theme === 'dark' ? 'light' : 'dark' })}
      @ov-prefer=${(event: CustomEvent<Partial<Preferences>>) => this.prefer(event.detail)}
      @ov-sign-out=${() => void this.signOut()}
      @ov-open-quarantine=${() => (this.isQuarantineOpen = true)}
      @ov-close-quarantine=${() => (this.isQuarantineOpen = false)}
    >
      ${this.renderPage(this.session)}
      ${this.isQuarantineOpen
        ? html`<ov-quarantine .client=${this.client} .isIdentityHidden=${this.preferences.isIdentityHidden}></ov-quarantine>`
        : nothing}
    </div>`;
  }

  private renderPage(session: Session): TemplateResult {
    const { route, preferences, client } = this;
    if (route.page === 'study') {
      return html`<ov-reading .client=${client} .session=${session} .feed=${this.feed} .study=${route.study} .live=${this.live}
        .preferences=${preferences}></ov-reading>`;
    }
    return html`<ov-top-bar .session=${session} .page=${route.page} .live=${this.live} .waiting=${this.waiting}
        .preferences=${preferences}></ov-top-bar>
      ${this.renderListPage(session)}`;
  }

  private renderListPage(session: Session): TemplateResult {
    const { route } = this;
    const may = (permission: string): boolean => session.permissions.includes(permission);
    if (route.page === 'models' && may('view models')) {
      return html`<ov-models .client=${this.client}></ov-models>`;
    }
    if (route.page === 'audit' && may('read audit')) {
      return html`<ov-audit .client=${this.client}></ov-audit>`;
    }
    if (route.page === 'worklist' && may('view study') && this.feed !== undefined) {
      return html`<ov-worklist .feed=${this.feed} .isIdentityHidden=${this.preferences.isIdentityHidden}
        .seesQuarantine=${may('view quarantine')}></ov-worklist>`;
    }
    const isKnown = route.page !== 'unknown';
    return html`<main class="plain">
      <h1>${isKnown ? 'Not for this account' : 'No such page'}</h1>
      <p class="muted">
        ${isKnown ? 'Your roles do not open this page. An administrator can grant it.' : 'The address names no page here.'}
      </p>
      <p><a href="/">To the worklist</a></p>
    </main>`;
  }

  private async restore(): Promise<void> {
    try {
      this.takeSession(await this.client.session.restore());
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.problem =
        error instanceof OfflineError
          ? 'The server does not answer. Trying again by itself.'
          : `The server can’t say who is signed in: ${error.message} Trying again by itself.`;
      setTimeout(() => void this.restore(), RESTORE_RETRY_MS);
    }
  }

  private takeSession(session: Session | null): void {
    if (session?.user !== this.session?.user || session === null) {
      this.feed?.dispose();
      this.feed = undefined;
      this.isQuarantineOpen = false;
    }
    this.session = session;
    if (session === null || this.feed !== undefined || !session.permissions.includes('view study')) return;
    this.feed = new WorklistFeed(this.client);
    void this.feed.load();
  }

  private async signOut(): Promise<void> {
    try {
      await this.client.session.signOut();
      this.go('/');
    } catch (error) {
      if (!(error instanceof OfflineError)) throw error;
      this.problem = 'The server does not answer: you are still signed in.';
    }
  }

  private prefer(change: Partial<Preferences>): void {
    this.preferences = { ...this.preferences, ...change };
    writePreferences(this.preferences);
    this.applyTheme();
  }

  private applyTheme(): void {
    document.documentElement.dataset['theme'] = this.preferences.theme;
  }

  private go(path: string): void {
    window.history.pushState(null, '', path);
    this.readAddress();
  }

  private readonly readAddress = (): void => {
    this.route = parseRoute(window.location.pathname);
  };

  /** Links inside the application change the page without loading it again. */
  private readonly followLink = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    if (link === undefined || link.origin !== window.location.origin || link.target !== '') return;
    if (parseRoute(link.pathname).page === 'unknown') return;
    event.preventDefault();
    this.go(link.pathname);
    window.scrollTo(0, 0);
  };
}
