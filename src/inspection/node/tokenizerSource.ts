// The tokenizer of one opened checkpoint, found and started when something asks for it, and once.

import { basename, dirname, join, resolve } from 'node:path';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import type { InspectionResult } from '../inspectionResult';
import { withTokenLabels } from '../networkOutput';
import { ModelSpecError } from '../../model/modelSpec';
import type { ModelSpec, SpecOverrides, TokenWords } from '../../model/modelSpec';
import type { TokenizerFiles } from '../../model/text/tokenizer';
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
  private found: Promise<TokenizerFiles> | null = null;
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

  /**
   * `result` with logits of tokens named by the text of the tokens; as it is where the input came without a
   * tokenizer. Starts the tokenizer, which is not kept while a network runs; `close` ends it.
   */
  async named(result: InspectionResult): Promise<InspectionResult> {
    const { output, provenance } = result;
    const known = provenance.inputs.some(({ tokenizer }) => (tokenizer ?? null) !== null);
    if (output.logitsOf !== 'tokens' || !known) return result;
    try {
      const runner = await this.open();
      const labels = await runner.labels(output.logitsTop.map(({ index }) => index));
      return { ...result, output: withTokenLabels(output, labels) };
    } catch (error) {
      // It was there for the input: what became of it since is no reason to lose a finished run.
      if (error instanceof ModelSpecError) return result;
      throw error;
    } finally {
      await this.close();
    }
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

  /** The files, or why there are none, as a sentence; nothing is started. */
  async find(): Promise<
    { readonly files: TokenizerFiles; readonly problem: null } | { readonly files: null; readonly problem: string }
  > {
    try {
      this.found ??= this.look();
      return { files: await this.found, problem: null };
    } catch (error) {
      this.found = null;
      if (!(error instanceof ModelSpecError)) throw error;
      return { files: null, problem: error.message };
    }
  }

  private async start(): Promise<TokenizerRunner> {
    const files = await (this.found ?? this.look());
    // The thread has its own copy.
    this.found = null;
    return openTokenizer(this.script, files);
  }

  private async look(): Promise<TokenizerFiles> {
    const { index, config, beside } = this.owner;
    const bytes = this.setting === 'bytes';
    const path = this.setting === null || bytes ? null : resolve(this.setting);
    const read = path === null ? beside : readBeside(dirname(path));
    const file = path === null ? null : basename(path);
    return findTokenizer({ index, config, family: this.spec.family, bytes, file }, read);
  }
}
