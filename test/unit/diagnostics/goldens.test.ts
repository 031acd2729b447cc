import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import { normals } from '../../../src/diagnostics/random';
import type { RpcVariant } from '../../../src/model/modelSpec';
import { kernels, options, projectedHead, type HeadRecipe } from './heads';

type Json = null | number | string | boolean | readonly Json[] | { readonly [name: string]: Json };

interface Goldens {
  readonly made: { readonly numpy: string };
  readonly settings: Readonly<Record<'seed' | 'layer' | 'head' | 'draws' | 'repeats' | 'twins' | 'others', number>>;
  readonly heads: readonly ({
    readonly recipe: HeadRecipe & {
      readonly rpc: { readonly variant: RpcVariant; readonly iterations: number; readonly lambda_: number };
    };
  } & Record<
    'weights' | 'spectrum' | 'alignment' | 'gamma' | 'projection' | 'reproduction' | 'rpc' | 'noise' | 'attention',
    Json
  >)[];
}

/** Spec section 10, first match of the path counts; relative to max(|golden|, floor). */
const tolerances: readonly { readonly path: RegExp; readonly relative: number; readonly floor: number }[] = [
  { path: /^noise/, relative: 1e-6, floor: 0 },
  // z divides by the null's spread, so it carries the error of overlap over that.
  { path: /^alignment.*\.z$/, relative: 1e-6, floor: 1 },
  { path: /^alignment/, relative: 1e-7, floor: 1 },
  { path: /^reproduction/, relative: 1e-7, floor: 0.01 },
  // gamma divides by entries of a that can be near 0, which magnifies the round-off of a.
  { path: /^gamma/, relative: 1e-6, floor: 1e-9 },
  { path: /^spectrum\.eigenvalues/, relative: 0, floor: 0 },
  // Singular values come from eigenvalues of a product, which square their range; z divides by the spread.
  { path: /^weights/, relative: 1e-8, floor: 1 },
  { path: /^rpc/, relative: 1e-7, floor: 0 },
  { path: /^/, relative: 1e-9, floor: 0 },
];

/** Compares every leaf of `golden`, and says which leaves are off and by how much. */
function compare(golden: Json, actual: unknown, path: string, eigenvalueScale: number, wrong: string[]): number {
  if (typeof golden === 'object' && golden !== null) {
    let leaves = 0;
    for (const [name, value] of Object.entries<Json>(golden)) {
      const inner = (actual as Record<string, unknown> | undefined)?.[name];
      leaves += compare(value, inner, path === '' ? name : `${path}.${name}`, eigenvalueScale, wrong);
    }
    return leaves;
  }
  if (typeof golden === 'number') {
    const { relative, floor } = tolerances.find((rule) => rule.path.test(path))!;
    const allowed = path.startsWith('spectrum.eigenvalues')
      ? 1e-9 * eigenvalueScale
      : relative * Math.max(Math.abs(golden), floor);
    const error = typeof actual === 'number' ? Math.abs(actual - golden) : NaN;
    if (!(error <= allowed)) wrong.push(`${path}: ${String(actual)}, golden ${golden}, error ${error} > ${allowed}`);
  } else if (actual !== golden) {
    wrong.push(`${path}: ${String(actual)}, golden ${String(golden)}`);
  }
  return 1;
}

describe('diagnostics against numpy (goldens of make_goldens.py)', () => {
  const goldens = JSON.parse(
    readFileSync(join(process.cwd(), 'test/fixtures/diagnostics/goldens.json'), 'utf8'),
  ) as Goldens;
  const { settings } = goldens;

  for (const golden of goldens.heads) {
    const { recipe } = golden;
    it(`${recipe.name}: N ${recipe.tokens}, d ${recipe.headDim}, RPC ${recipe.rpc.variant}`, () => {
      const size = recipe.tokens * recipe.headDim;
      const input = projectedHead(recipe, {
        layer: settings.layer,
        head: settings.head,
        otherValues: Array.from({ length: settings.others }, (_, i) => normals(`${recipe.name}/other/${i}`, size)),
        untrained: Array.from({ length: settings.twins }, (_, i) => ({
          k: normals(`${recipe.name}/twin/${i}/k`, size),
          v: normals(`${recipe.name}/twin/${i}/v`, size),
        })),
      });
      const { variant, iterations, lambda_: lambda } = recipe.rpc;
      const { grid = null, special = [] } = recipe;
      const result = diagnoseHead(
        input,
        options({
          seed: settings.seed,
          nulls: settings.draws,
          places: {
            grid: grid === null ? null : { rows: grid[0], columns: grid[1], first: 1 },
            special,
          },
          rpc: { variant, iterations, lambda, embedDim: recipe.embedDim },
          noise: {
            kinds: ['token_gauss', 'key_gauss', 'key_sparse', 'token_replace', 'token_drop'],
            levels: {},
            repeats: settings.repeats,
          },
        }),
        kernels,
      );
      const wrong: string[] = [];
      let leaves = 0;
      for (const [part, value] of Object.entries(golden)) {
        if (part === 'recipe') continue;
        const actual = (result as unknown as Record<string, unknown>)[part];
        leaves += compare(value as Json, actual, part, result.spectrum.eigenvalues[0]!, wrong);
      }
      assert.deepEqual(wrong, []);
      assert.ok(leaves > 300, `only ${leaves} numbers were compared`);
      // The variant `eig` measures nothing but round-off: eigenvectors have residual 0.
      const worst = Math.max(...result.gamma.eig.eigenResidual.map((value) => value ?? Infinity));
      assert.ok(worst < 1e-10, `eigen-residual of the eigenvectors: ${worst}`);
    });
  }
});
