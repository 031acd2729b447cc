// `gramlens` for terminals and CI: the same inspection without an editor. Results go to files, the table of heads
// to stdout, everything else to stderr.

import { Command, CommanderError, Option } from 'commander';
import packageJson from '../../package.json';
import packageTexts from '../../package.nls.json';
import { overrideNames } from '../model/overrides';
import { runCompare } from './compareCommand';
import type { CompareFlags } from './compareCommand';
import { runInspect } from './inspectCommand';
import type { InspectFlags } from './inspectCommand';
import { printProbe, probeCommand } from './nodeWebGpu';
import { runMap } from './mapCommand';
import type { MapFlags } from './mapCommand';
import { runReport } from './reportCommand';
import { runSelftest } from './selftestCommand';
import type { SelftestFlags } from './selftestCommand';
import { runTensors } from './tensorsCommand';
import { exitCodes, failureOf } from './exitCodes';

const checkpointWords =
  '.safetensors, .onnx, .gguf, .npz, .pt, .pth, .bin, .ckpt, the index of a sharded checkpoint, or a folder with one';

/** Options of a run (`withRunOptions`) that were typed, as they are typed. */
function givenOptions(command: Command): readonly string[] {
  const own = new Set(withRunOptions(new Command()).options.map(({ long }) => long));
  return command.options
    .filter((option) => own.has(option.long) && command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long }) => long ?? '');
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Options of everything that runs a checkpoint. */
function withRunOptions(command: Command): Command {
  return command
    .option(
      '--config <file>',
      "the model's config.json (Segmenter: variant.yml), where it does not lie beside the checkpoint",
    )
    .option('--mapping <file>', 'facts and tensor roles (gramlens map writes one); default: <checkpoint>.gramlens.json')
    .option(
      '--set <facts>',
      `facts that the file does not say or says wrong, such as heads=4,eps=1e-6. Names: ${overrideNames.join(', ')}`,
      collect,
      [],
    )
    .option(
      '--input <spec>',
      'image.png, npy:FILE, text:…, file.txt, tokens:1,2,3, ids.json, sample, random (or sample:SEED, random:SEED); several: give it again, or a folder, lines:FILE, npy:FILE with a batch axis; default: the sample of the family, a drawn picture, a text (ids without a tokenizer), features as of speech',
      collect,
      [],
    )
    .option('--layers <list>', 'layers to inspect, such as 0,2-5')
    .option('--heads <list>', 'heads to inspect, such as 0-3')
    .option('--rpc <settings>', 'RPC beside the model: variant=code,iterations=4,lambda=4,layers=all|none|0')
    .option(
      '--rpc-sweep <grid>',
      'clean gap and noise gain of RPC over a grid: "lambda=0.5,1,2;iterations=1,2,4;noise=key_gauss", or default',
    )
    .addOption(
      new Option('--forward <attention>', 'what flows on to the next layer')
        .choices(['native', 'softmax', 'rpc'])
        .default('native'),
    )
    .option('--gram <matrix>', 'of causal models: full (all keys), or prefix:T (the keys that query T-1 sees)', 'full')
    .addOption(
      new Option('--keys <when>', 'keys of the Gram matrix: with rotary positions, or before them')
        .choices(['post-rope', 'pre-rope'])
        .default('post-rope'),
    )
    .option(
      '--standardise-keys',
      "each key of the Gram matrix to mean 0 and standard deviation 1, as the reproduction study's eigenvalues.py does; not what the model computes",
    )
    .option('--noise <kinds>', 'key_gauss,token_gauss,key_sparse,token_replace,token_drop, or none')
    .option('--levels <list>', "noise levels for all kinds; default: each kind's own")
    .option('--repeats <count>', 'repeats of each noise level (default: 8)')
    .option('--nulls <count>', 'draws of each null distribution', '200')
    .option(
      '--study-nulls <count>',
      "draws of the nulls of the reproduction study's metrics (default: 20, or --nulls where that is less)",
    )
    .option('--twins <count>', 'untrained twins for the null of that name', '20')
    .option(
      '--cache <folder>',
      'where numbers of untrained twins are kept from run to run (they depend on shapes, family and input, not on trained weights), or none; default: gramlens/twins in the cache folder of the user',
    )
    .option(
      '--ablation',
      'take each inspected head out (0, mean, noise as null) and measure the logits; runs the rest of the network 3 times a head',
    )
    .option(
      '--network-noise <places>',
      'noise at the input or at the output of a layer, such as input,2, carried to the logits with softmax and with RPC; token kinds, levels and repeats of --noise',
    )
    .option('--seed <number>', 'seed of nulls, noise and twins', '0')
    .addOption(
      new Option('--backend <name>', 'where the forward pass runs')
        .choices(['auto', 'webgpu', 'cpu', 'reference'])
        .default('auto'),
    );
}

/** Options of everything that writes files and may run long. */
function withOutputOptions(command: Command, formats: string): Command {
  return command
    .option('--out <folder>', 'folder for the files; those of an earlier run in it are replaced', 'gramlens-report')
    .option('--format <list>', formats, 'html,json')
    .option('--reproducible', 'leave the elapsed time out, so that equal runs give equal bytes')
    .option('--quiet', 'no progress and no table')
    .option('--json-progress', 'progress as JSON lines on stderr');
}

function program(): Command {
  const root = new Command('gramlens')
    .description(packageTexts.description)
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(gramlens --help lists the commands, gramlens inspect --help the options)');

  const inspect = root
    .command('inspect')
    .description('run a checkpoint on one input and measure every attention head')
    .argument('<checkpoint>', checkpointWords);
  withOutputOptions(withRunOptions(inspect), 'html, md, json, csv, npz')
    .option('--fail-on <rule>', 'exit with 1 where it holds, such as "alignment.theory.overlap < 0.2"', collect, [])
    .action((checkpoint: string, flags: InspectFlags) => runInspect(checkpoint, flags, packageJson.version));

  const compare = root
    .command('compare')
    .description(
      'what changed from one run to another, head by head: two checkpoints, the steps of a training, or softmax and RPC of one run',
    )
    .argument(
      '<runs...>',
      'checkpoints (they are inspected with the options below), results or folders of earlier runs; one folder: its checkpoints or runs, in the order of the numbers in their names',
    );
  withOutputOptions(withRunOptions(compare), 'html, md, json, csv')
    .addOption(
      new Option(
        '--match <how>',
        'which heads of a layer correspond: those of the same index, or those whose metrics are closest',
      )
        .choices(['index', 'permutation'])
        .default('index'),
    )
    .option(
      '--fail-on <rule>',
      'exit with 1 where it holds for a change, such as "alignment.theory.overlap < -0.1" or "attention.entropy > 1"; NAME.inBands is the change in bands of its null or interval',
      collect,
      [],
    )
    .action((runs: readonly string[], flags: CompareFlags, command: Command) =>
      runCompare(runs, flags, givenOptions(command), packageJson.version),
    );

  root
    .command('tensors')
    .description('list the tensors of a checkpoint, from its header alone')
    .argument('<checkpoint>')
    .option('--json', 'as JSON')
    .action((checkpoint: string, flags: { readonly json?: boolean }) => runTensors(checkpoint, flags.json === true));

  root
    .command('map')
    .description(
      'guess which tensor plays which role in a checkpoint of unknown names, and write the guess for editing',
    )
    .argument('<checkpoint>')
    .option('--out <file>', 'where to write it; default: <checkpoint>.gramlens.json, which inspect finds by itself')
    .action((checkpoint: string, flags: MapFlags) => runMap(checkpoint, flags));

  root
    .command('report')
    .description('write a result.json or a comparison.json in other formats')
    .argument('<result>', 'result.json of an inspection, or comparison.json')
    .option('--format <list>', 'html, md, json, csv', 'html')
    .option('--out <folder>', 'folder for the files; those of an earlier run in it are replaced', 'gramlens-report')
    .action((result: string, flags: { readonly format: string; readonly out: string }) => runReport(result, flags));

  root
    .command('selftest')
    .description('positive and negative controls: what must come out, what came out, and by how much they may differ')
    .option('--draws <count>', 'draws of Gaussian values for the chance table', '20')
    .addOption(new Option('--backend <name>', 'whose arithmetic').choices(['cpu', 'reference']).default('cpu'))
    .option('--json', 'as JSON')
    .action((flags: SelftestFlags) => runSelftest(flags));

  root.command(probeCommand, { hidden: true }).action(printProbe);
  return root;
}

async function main(): Promise<number> {
  try {
    await program().parseAsync();
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    const { code, sentence } = failureOf(error);
    process.stderr.write(code === exitCodes.cancelled ? `\n${sentence}\n` : `gramlens: ${sentence}\n`);
    return code;
  }
}

// Whoever reads the table or the progress may stop reading (`| head`); the run and its files go on without them.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

void main().then((code) => {
  // A WebGPU device in this process keeps it alive; everything is written by now.
  process.exit(code);
});
