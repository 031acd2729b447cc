// The page's line to the extension host, and its small memory across reloads.

import type { HostCalls, PageCalls } from '../../src/protocol/messages';
import { connect } from '../../src/protocol/rpc';
import type { Calls } from '../../src/protocol/rpc';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface HostLine<Host = HostCalls> {
  readonly host: Host;
  readonly state: { get(): unknown; set(value: unknown): void };
}

/** Connects once a page; `local` answers what the host asks. */
export function connectHost<
  Page extends Calls<Page> = PageCalls,
  Host extends Calls<Host> & Pick<HostCalls, 'log'> = HostCalls,
>(local: Page): HostLine<Host> {
  const api = acquireVsCodeApi();
  const { remote } = connect<Page, Host>(
    {
      post: (message) => {
        api.postMessage(message);
      },
      onMessage: (listener) => {
        window.addEventListener('message', (event: MessageEvent<unknown>) => {
          listener(event.data);
        });
      },
    },
    local,
  );
  window.addEventListener('error', (event) => {
    void remote.log('error', `page: ${event.message}`);
  });
  window.addEventListener('unhandledrejection', (event) => {
    const reason: unknown = event.reason;
    void remote.log('error', `page: ${reason instanceof Error ? reason.message : String(reason)}`);
  });
  return {
    host: remote,
    state: {
      get: () => api.getState(),
      set: (value) => {
        api.setState(value);
      },
    },
  };
}
