// Which backend runs, and why, in one sentence. `auto` takes hardware WebGPU and never a software adapter.

import * as vscode from 'vscode';
import type { BackendKind } from '../engine/backend';
import type { PageCalls, WebGpuProbe } from '../protocol/messages';
import { backendSetting, setBackendSetting } from './settings';
import type { BackendSetting } from './settings';

export interface BackendChoice {
  readonly kind: BackendKind;
  readonly reason: string;
}

/** A probe that hangs (a driver that never answers) counts as no adapter. */
const probeTimeoutMs = 10_000;

async function probe(page: PageCalls): Promise<WebGpuProbe> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<WebGpuProbe>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        status: 'failed',
        adapter: null,
        message: vscode.l10n.t('The WebGPU driver did not answer within 10 s.'),
      });
    }, probeTimeoutMs);
  });
  try {
    return await Promise.race([page.probeWebGpu(), timeout]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      status: 'failed',
      adapter: null,
      message: vscode.l10n.t('Asking for a WebGPU adapter failed ({0}), so the cpu backend is used.', why),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the page's adapter where the setting needs it. Throws when WebGPU was demanded and is not there. */
export async function chooseBackend(page: PageCalls): Promise<BackendChoice> {
  const setting = backendSetting();
  if (setting === 'cpu' || setting === 'reference')
    return { kind: setting, reason: vscode.l10n.t('chosen in the settings') };
  const found = await probe(page);
  if (setting === 'webgpu') {
    if (found.status === 'hardware' || found.status === 'software') {
      return { kind: 'webgpu', reason: vscode.l10n.t('chosen in the settings; {0}', found.message) };
    }
    throw new Error(vscode.l10n.t('{0} Choose another backend with "Gramlens: Select Backend…".', found.message));
  }
  return found.status === 'hardware'
    ? { kind: 'webgpu', reason: found.message }
    : { kind: 'cpu', reason: found.message };
}

/** Several inputs run beside the file, one thread after the other. Throws where the settings demand the page's GPU. */
export function backendOfSeveral(): BackendChoice {
  const setting = backendSetting();
  if (setting === 'webgpu') {
    throw new Error(
      vscode.l10n.t(
        'Several inputs run on the processor, and the settings ask for webgpu. Choose auto, cpu or reference with "Gramlens: Select Backend…", or inspect one input.',
      ),
    );
  }
  return setting === 'auto'
    ? { kind: 'cpu', reason: vscode.l10n.t('several inputs run on the processor, beside the file') }
    : { kind: setting, reason: vscode.l10n.t('chosen in the settings') };
}

/** The command *Select Backend…*. */
export async function selectBackend(): Promise<void> {
  const current = backendSetting();
  const choices: (vscode.QuickPickItem & { readonly value: BackendSetting })[] = [
    {
      value: 'auto',
      label: 'auto',
      detail: vscode.l10n.t('Hardware WebGPU where there is some, WebAssembly elsewhere'),
    },
    {
      value: 'webgpu',
      label: 'webgpu',
      detail: vscode.l10n.t("The webview's GPU device, float32 forward pass; metrics stay float64"),
    },
    {
      value: 'cpu',
      label: 'cpu',
      detail: vscode.l10n.t('WebAssembly SIMD in worker threads beside the file, float64'),
    },
    { value: 'reference', label: 'reference', detail: vscode.l10n.t('Plain float64 TypeScript: slow, the yardstick') },
  ];
  const items = choices.map((choice) =>
    choice.value === current ? { ...choice, description: vscode.l10n.t('current') } : choice,
  );
  const chosen = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Gramlens backend') });
  if (chosen !== undefined) await setBackendSetting(chosen.value);
}
