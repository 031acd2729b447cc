// One status-bar item: backend and progress while an inspection runs, what was inspected when it is done.

import * as vscode from 'vscode';
import type { InspectionSession } from './session';

export function createStatusBar(session: InspectionSession): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('gramlens.status', vscode.StatusBarAlignment.Left, 10);
  item.name = 'Gramlens';
  const show = (): void => {
    const { phase, plan, progress, title, message } = session.snapshot;
    if (phase === 'empty') {
      item.hide();
      return;
    }
    if (session.running) {
      const percent = progress === null ? '' : ` ${Math.round(100 * progress.fraction)} %`;
      item.text = `$(loading~spin) Gramlens ${plan?.backend ?? ''}${percent}`;
      item.tooltip = vscode.l10n.t('{0}. Click to cancel.', progress?.label ?? message);
      item.command = 'gramlens.cancelInspection';
    } else {
      const icon = phase === 'done' ? '$(pass)' : phase === 'failed' ? '$(error)' : '$(circle-slash)';
      item.text = `${icon} Gramlens ${phase === 'done' ? (plan?.backend ?? '') : ''}`.trimEnd();
      item.tooltip = `${title}: ${message}`;
      item.command = 'gramlens.showHeatmap';
    }
    item.show();
  };
  const subscription = session.onDidChange(show);
  show();
  return vscode.Disposable.from(item, subscription);
}
