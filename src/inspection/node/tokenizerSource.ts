// The tokenizer of one opened checkpoint, found and started when something asks for it, and once.

import { basename, dirname, join, resolve } from 'node:path';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import type { ModelSpec, SpecOverrides, TokenWords } from '../../model/modelSpec';
import { findTokenizer, type ReadBeside } from '../../model/text/findTokenizer';
import { readBeside } from './openCheckpoint';
import { openTokenizer, type TokenizerRunner } from './tokenizerRunner';

interface Owner {
  readonly index: TensorIndex;
  readonly config: unknown;
  readonly beside: ReadBeside;
}

/** `--set tokenizer`, else what a mapping says: 'bytes', or a file in the folder of the checkpoint. */
export function tokenizerSetting(
  overrides: SpecOverrides,
  mapping: { readonly overrides: SpecOverrides } | null,
  checkpoint: string,
): string | null {
  const said = overrides['tokenizer'];
  if (said !== undefined) return said;
  const mapped = mapping?.overrides['tokenizer'];
  if (mapped === undefined || mapped === 'bytes') return mapped ?? null;
  return join(dirname(checkpoint), basename(mapped));
}

export class TokenizerSource {
  private opened: Promise<TokenizerRunner> | null = null;

  /**
   * @param script dist/tokenizer.js.
   * @param setting `--set tokenizer`: a file, 'bytes', or null for what lies beside the checkpoint.
   */
  constructor(
    private readonly script: string,
    private readonly owner: Owner,
    private readonly spec: Pick<ModelSpec, 'family'>,
    readonly setting: string | null,
  ) {}

  /** @throws ModelSpecError 'badInput' where there is none or it cannot be used. */
  open(): Promise<TokenizerRunner> {
    this.opened ??= this.start();
    return this.opened;
  }

  /** What ids stand for. @throws as `open`. */
  async words(ids: ArrayLike<number>): Promise<TokenWords> {
    const runner = await this.open();
    const labels = await runner.labels(Array.from(ids));
    return {
      labels: labels.map((label, i) => label ?? `#${ids[i]!}`),
      added: labels.map(() => 0),
      tokenizer: runner.facts.source,
    };
  }

  /** Ends its thread, if there is one. */
  async close(): Promise<void> {
    const { opened } = this;
    this.opened = null;
    await opened?.then(
      (runner) => runner.close(),
      () => undefined,
    );
  }

  private async start(): Promise<TokenizerRunner> {
    const { index, config, beside } = this.owner;
    const bytes = this.setting === 'bytes';
    const path = this.setting === null || bytes ? null : resolve(this.setting);
    const read = path === null ? beside : readBeside(dirname(path));
    const file = path === null ? null : basename(path);
    return openTokenizer(
      this.script,
      await findTokenizer({ index, config, family: this.spec.family, bytes, file }, read),
    );
  }
}
