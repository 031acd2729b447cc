// Every table of hostile files, by the name of its test.

import { checkpointTable } from './checkpointFiles';
import { singleFiles, type HostileTable } from './cases';
import { hostileGguf } from './ggufFiles';
import { bombNpz, hostileNpz } from './npzFiles';
import { onnxTable } from './onnxFiles';
import { hostileShards } from './shardFiles';
import { hostileTokenizers } from './tokenizerFiles';

export const tables = {
  safetensors: checkpointTable(/^st-/),
  torch: checkpointTable(/^(zip|pkl|legacy)-/),
  others: checkpointTable(/^(?!st-|zip-|pkl-|legacy-)/),
  gguf: singleFiles(hostileGguf),
  onnx: onnxTable,
  npz: { ...singleFiles(hostileNpz), ...bombNpz },
  shards: hostileShards,
  tokenizers: hostileTokenizers,
} as const satisfies Readonly<Record<string, HostileTable>>;

export type TableName = keyof typeof tables;
