// What stands beside the weights and may say something about the model: a config.json, safetensors metadata, the
// pickled arguments of a training run. Looked up in that order; a value that makes no sense is noted, not trusted.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { asRecord } from './parseValues';
import { YamlConfig } from './yamlConfig';

export interface SettingSource {
  /** How a person finds it: 'config.json', 'args', 'safetensors metadata'. */
  readonly label: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Found<T> {
  readonly value: T;
  /** E.g. 'args.num_iter'. */
  readonly source: string;
}

/** Keys under which other maps of the same kind are nested (timm hub configs, our own metadata). */
const nestedKeys = ['model_args', 'pretrained_cfg', 'args', 'config', 'model_cfg', 'net_kwargs'];
/** `dims` is what Whisper's own code saves beside the weights. */
const argumentKeys = ['args', 'hyper_parameters', 'config', 'cfg', 'dims', 'model_args'];

export class Settings {
  private constructor(
    private readonly sources: readonly SettingSource[],
    private readonly notes: string[],
    private readonly all: readonly SettingSource[] = sources,
  ) {}

  /** `notes` receives a sentence for each value that was present and unusable. */
  static of(index: TensorIndex, config: unknown, notes: string[], preprocessor: unknown = null): Settings {
    const sources: SettingSource[] = [];
    const add = (label: string, value: unknown): void => {
      const values = asRecord(value);
      if (values === null || values['kind'] === 'opaque' || values['kind'] === 'tensor') return;
      sources.push({ label, values });
      for (const key of nestedKeys) {
        if (!Object.hasOwn(values, key)) continue;
        const nested = asRecord(parseJson(values[key]));
        if (nested !== null) sources.push({ label: `${label} ${key}`, values: nested });
      }
    };
    if (config instanceof YamlConfig) add(config.name, config.values);
    else add('config.json', config);
    add('preprocessor_config.json', preprocessor);
    add('safetensors metadata', index.metadata);
    if (index.tree !== null) {
      for (const key of argumentKeys) if (Object.hasOwn(index.tree, key)) add(key, index.tree[key]);
      const plain = Object.entries(index.tree).filter(([, value]) => typeof value !== 'object');
      sources.push({ label: 'checkpoint', values: Object.fromEntries(plain) });
    }
    return new Settings(sources, notes);
  }

  /**
   * The maps under `keys` in place of those that hold them: `vision_config` of a CLIP config, whose own level may
   * speak of another tower. The same settings where nothing holds such a map.
   */
  under(keys: readonly string[]): Settings {
    const sources = this.sources.flatMap((source) => {
      const inner = keys.flatMap((key) => {
        const nested = Object.hasOwn(source.values, key) ? asRecord(parseJson(source.values[key])) : null;
        return nested === null ? [] : [{ label: `${source.label} ${key}`, values: nested }];
      });
      return inner.length > 0 ? inner : [source];
    });
    return new Settings(sources, this.notes, this.all);
  }

  /** The whole map of one source, by its label; null when there is none. */
  values(label: string): Readonly<Record<string, unknown>> | null {
    return this.all.find((source) => source.label === label)?.values ?? null;
  }

  /** First value under one of `keys` that `parse` understands. */
  find<T>(keys: readonly string[], parse: (value: unknown) => T | null, expected: string): Found<T> | null {
    for (const { label, values } of this.sources) {
      for (const key of keys) {
        if (!Object.hasOwn(values, key)) continue;
        const raw = parseJson(values[key]);
        if (raw === null || raw === undefined) continue;
        const value = parse(raw);
        const source = `${label}${label.includes(' ') || label.includes('.') ? ' ' : '.'}${key}`;
        if (value !== null) return { value, source };
        this.note(`${source} is ${brief(raw)}, which is not ${expected}; it was ignored.`);
      }
    }
    return null;
  }

  private note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence);
  }
}

/** Metadata values are strings; those that look like JSON lists or maps are read as such. */
function parseJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Text that only looks like JSON, e.g. "(28, 20)": the caller's parser judges the text itself.
    return value;
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
