// Runs a graph segment by segment. Each segment is a model of its own, opened, run and closed again, so that only its
// weights are in memory; what later segments need is kept until the last of them has run.

import type { CheckpointBytes } from '../../checkpoint/byteSource';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { EngineError } from '../backend';
import type { GraphRuntime, GraphTensor } from './graphTensor';
import { segmentModel } from './segmentModel';
import { planSegments, type SegmentPlan } from './segments';

/** Another runtime that runs the first segment too, and who looks at what both gave. */
export interface GraphCheck {
  readonly runtime: GraphRuntime;
  compare(got: ReadonlyMap<string, GraphTensor>, want: ReadonlyMap<string, GraphTensor>): void;
}

export class GraphRun {
  private readonly plan: SegmentPlan;
  private readonly store: Map<string, GraphTensor>;
  private next = 0;
  private checked = false;

  /** `wanted`: values to look at, a list for each segment; `inputs`: those of the graph. */
  constructor(
    private readonly runtime: GraphRuntime,
    private readonly index: TensorIndex,
    private readonly bytes: CheckpointBytes,
    private readonly wanted: readonly (readonly string[])[],
    inputs: ReadonlyMap<string, GraphTensor>,
    private readonly check: GraphCheck | null = null,
  ) {
    if (index.graph === undefined) throw new EngineError('internal', `${index.fileName} has no graph.`);
    this.plan = planSegments(index.graph, wanted);
    this.store = new Map(inputs);
  }

  /**
   * Runs the next segment and hands over the values wanted from it. @throws EngineError with ONNX Runtime's words.
   */
  async step(what: string): Promise<ReadonlyMap<string, GraphTensor>> {
    const number = this.next;
    const segment = this.plan.segments[number];
    const { graph } = this.index;
    if (segment === undefined || graph === undefined) throw new RangeError('every segment of the graph has run');
    this.next += 1;
    if (segment.fetches.length > 0) {
      const feeds = new Map<string, GraphTensor>();
      for (const name of segment.feeds) {
        const value = this.store.get(name);
        if (value !== undefined) feeds.set(name, value);
      }
      const model = await segmentModel(this.index, graph, this.bytes, segment, feeds);
      const results = await this.runModel(this.runtime, model, feeds, segment.fetches, what);
      if (this.check !== null && !this.checked) {
        this.check.compare(results, await this.runModel(this.check.runtime, model, feeds, segment.fetches, what));
        this.checked = true;
      }
      for (const [name, value] of results) this.store.set(name, value);
    }
    const found = new Map<string, GraphTensor>();
    for (const name of this.wanted[number]!) {
      const value = this.store.get(name);
      if (value !== undefined) found.set(name, value);
    }
    for (const name of [...this.store.keys()]) {
      if ((this.plan.lastUse.get(name) ?? -1) <= number) this.store.delete(name);
    }
    return found;
  }

  private async runModel(
    runtime: GraphRuntime,
    model: Uint8Array,
    feeds: ReadonlyMap<string, GraphTensor>,
    fetches: readonly string[],
    what: string,
  ): Promise<Map<string, GraphTensor>> {
    const { fileName } = this.index;
    try {
      const session = await runtime.open(model);
      try {
        return await session.run(feeds, fetches);
      } finally {
        await session.release();
      }
    } catch (error) {
      // What a device says of itself is told as it is.
      if (error instanceof EngineError) throw error;
      const words = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, maxWords);
      throw new EngineError(
        'internal',
        `ONNX Runtime could not run ${fileName} up to ${what}: ${words} Check that the input has the sizes the model was exported for.`,
      );
    }
  }
}

/** Letters of ONNX Runtime's message that are shown; it may quote whole graphs. */
const maxWords = 400;
