// The list of recent inspections under the heatmap: one line an inspection, newest first.

import * as vscode from 'vscode';
import type { SavedInspections, SavedSummary } from './savedInspections';

export const recentViewId = 'gramlens.recent';

export class RecentView implements vscode.TreeDataProvider<SavedSummary> {
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(private readonly saved: SavedInspections) {
    this.onDidChangeTreeData = saved.onDidChange;
  }

  async getChildren(): Promise<SavedSummary[]> {
    return [...(await this.saved.list())];
  }

  getTreeItem(one: SavedSummary): vscode.TreeItem {
    const item = new vscode.TreeItem(one.title);
    const saved = new Date(one.savedAt);
    const { language } = vscode.env;
    const when = saved.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
    const isToday = saved.toDateString() === new Date().toDateString();
    // What tells runs of one checkpoint apart comes first: a narrow panel cuts the end.
    const short = isToday
      ? saved.toLocaleTimeString(language, { timeStyle: 'short' })
      : saved.toLocaleDateString(language, { dateStyle: 'medium' });
    item.id = one.id;
    item.description = `${short} · ${one.input}`;
    item.tooltip = `${one.title}\n${one.description}\n${one.input}\n${when}`;
    item.iconPath = new vscode.ThemeIcon('history');
    item.contextValue = 'inspection';
    item.command = { command: 'gramlens.openInspection', title: vscode.l10n.t('Open'), arguments: [one.id] };
    return item;
  }
}
