// What pages may ask of the extension host. Everything that arrives is checked: a webview is not trusted.

import * as vscode from 'vscode';
import type { HeadAddress, HostCalls, RunnerEvent, WireSnapshot } from '../protocol/messages';
import type { ReportPlace } from '../protocol/reportMessages';
import { headMetrics } from '../report/figures/metrics';
import { figureCalls } from './figureFiles';
import { log } from './log';
import { firstSample } from './samples';
import type { InspectionSession } from './session';

/** What the inspector page's worker needs from whoever started it. */
export interface WorkerHost {
  readBytes(runId: number, shard: string | null, offset: number, length: number): Promise<Uint8Array>;
  workerEvent(runId: number, event: RunnerEvent): void;
}

export interface PageHost {
  readonly session: InspectionSession;
  readonly workerHost: WorkerHost;
  /** Opens the inspector tab, without taking the focus unless asked. */
  revealInspector(): Promise<void>;
  /** Shows a figure in the report of the finished inspection. */
  openReport(place: ReportPlace): Promise<void>;
}

const commandIds = {
  inspect: 'gramlens.inspectCheckpoint',
  inspectSample: 'gramlens.inspectSample',
  export: 'gramlens.exportReport',
  openReport: 'gramlens.openReport',
  cancel: 'gramlens.cancelInspection',
  selectBackend: 'gramlens.selectBackend',
} as const;

function checkedAddress(session: InspectionSession, address: HeadAddress): HeadAddress {
  const { model } = session.snapshot;
  const inside = (value: unknown, count: number): boolean =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < count;
  if (model === null || !inside(address.layer, model.layers) || !inside(address.head, model.heads)) {
    throw new Error(`there is no layer ${address.layer}, head ${address.head} in this inspection`);
  }
  return { layer: address.layer, head: address.head };
}

/** `onReady` resolves whoever waits for the page's first message; `subscriptions` end with the page. */
export function pageHandlers(host: PageHost, onReady: () => void, subscriptions: vscode.Disposable[]): HostCalls {
  const { session, workerHost } = host;
  return {
    ready: (): Promise<WireSnapshot> => {
      onReady();
      return Promise.resolve(session.pageSnapshot);
    },
    getHead: (address) => Promise.resolve(session.head(checkedAddress(session, address))),
    getKeptHead: async (address) => {
      if (session.snapshot.phase !== 'done') {
        throw new Error(vscode.l10n.t('The RPC laboratory can be opened when the inspection is finished.'));
      }
      return session.keptHead(checkedAddress(session, address));
    },
    selectHead: async (address, reveal) => {
      session.select(address === null ? null : checkedAddress(session, address));
      if (reveal) await host.revealInspector();
    },
    setMetric: (metric) => {
      if (headMetrics.some((known) => known.id === metric)) session.setMetric(metric);
      return Promise.resolve();
    },
    runCommand: async (command) => {
      if (!Object.hasOwn(commandIds, command)) return;
      const known = command === 'inspectSample' ? [firstSample] : [];
      await vscode.commands.executeCommand(commandIds[command], ...known);
    },
    ...figureCalls(subscriptions),
    openInReport: async (head, figure) => {
      if (typeof figure !== 'string') throw new Error('no figure was named');
      await host.openReport({ head: head === null ? null : checkedAddress(session, head), figure });
    },
    readBytes: (runId, shard, offset, length) => workerHost.readBytes(runId, shard, offset, length),
    workerEvent: (runId, event) => {
      workerHost.workerEvent(runId, event);
      return Promise.resolve();
    },
    log: (level, message) => {
      if (level === 'error') log().error(message);
      else if (level === 'warn') log().warn(message);
      else log().info(message);
      return Promise.resolve();
    },
  };
}
