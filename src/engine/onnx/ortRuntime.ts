// onnxruntime-web as a GraphRuntime. The module itself is handed in by whoever loaded it (Node: inspection/node).

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../backend';
import { float16Type, type GraphRuntime, type GraphTensor } from './graphTensor';

/** What we use of the module. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: Tensor.Type, data: Tensor.DataType, dims: readonly number[]) => Tensor;
}

/** Types by their number in TensorProto.DataType. */
const typeNames: readonly (readonly [number, Tensor.Type])[] = [
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
];

/**
 * Optimisations stay off: they would merge nodes across a tap, and the outputs of the tapped model would not be those
 * of the model bit for bit.
 */
export function ortRuntime(
  ort: OrtModule,
  description: string,
  executionProviders: readonly InferenceSession.ExecutionProviderConfig[],
): GraphRuntime {
  return {
    description,
    open: async (model) => {
      const session = await ort.InferenceSession.create(model, {
        executionProviders,
        graphOptimizationLevel: 'disabled',
        // Warnings of the runtime are about speed; errors arrive as exceptions.
        logSeverityLevel: 3,
      });
      return {
        run: async (feeds, fetches) => {
          const inputs: Record<string, Tensor> = {};
          for (const [name, value] of feeds) inputs[name] = toOrt(ort, value);
          const results = await session.run(inputs, [...fetches]);
          const values = new Map<string, GraphTensor>();
          for (const name of fetches) values.set(name, await fromOrt(name, results[name]));
          return values;
        },
        release: () => session.release(),
      };
    },
  };
}

function toOrt(ort: OrtModule, { elemType, shape, data }: GraphTensor): Tensor {
  const type = typeNames.find(([number]) => number === elemType)?.[1];
  if (type === undefined) throw new EngineError('internal', `ONNX Runtime takes no values of type ${elemType}.`);
  return new ort.Tensor(type, data, shape);
}

async function fromOrt(name: string, value: Tensor | undefined): Promise<GraphTensor> {
  const elemType = typeNames.find(([, type]) => type === value?.type)?.[0];
  if (value === undefined || elemType === undefined) {
    throw new EngineError('internal', `ONNX Runtime gave no numbers for "${name}".`);
  }
  const data = await value.getData(true);
  if (!ArrayBuffer.isView(data)) throw new EngineError('internal', `ONNX Runtime gave texts for "${name}".`);
  // Newer engines have an array type for half floats; ours are their bits.
  const halves = elemType === float16Type && !(data instanceof Uint16Array);
  const plain = halves ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return { elemType, shape: value.dims, data: plain };
}
