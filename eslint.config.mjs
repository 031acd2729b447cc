// Type-checked lint, plus the arrows of the house: who may import whom (docs/architecture in README).
import tseslint from 'typescript-eslint';

const order = ['checkpoint', 'model', 'engine', 'diagnostics', 'inspection', 'report', 'comparison'];
/** Folder i may import the folders before it, never those after it. */
const arrows = order.map((folder, i) => ({
  files: [`src/${folder}/**/*.ts`],
  ignores: ['src/**/node/**'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ['vscode', 'node:*', 'fs', 'path', 'worker_threads', 'crypto', 'os'],
            message: 'This folder knows no editor and no Node: bytes, clocks and devices are handed in.',
          },
          {
            group: [...order.slice(i + 1), 'vscode', 'cli', ...(i >= order.indexOf('report') ? [] : ['protocol'])].map(
              (later) => `**/${later}/**`,
            ),
            message: 'Arrows go checkpoint -> model -> engine -> diagnostics -> inspection -> report -> comparison.',
          },
        ],
      },
    ],
    'no-restricted-globals': [
      'error',
      'window',
      'document',
      'process',
      'Buffer',
      'require',
      '__dirname',
      'localStorage',
    ],
  },
}));

export default tseslint.config(
  {
    ignores: [
      'dist',
      'out',
      '.vscode-test',
      'node_modules',
      'gramlens-report',
      '**/*.mjs',
      '**/*.cjs',
      'src/engine/cpu/assembly',
      'test/fixtures',
      'media',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      eqeqeq: 'error',
    },
  },
  ...arrows,
  {
    files: ['src/**/*.ts'],
    ignores: ['src/vscode/**', 'src/extension.ts', ...order.map((folder) => `src/${folder}/**`)],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'vscode', message: 'Only src/vscode and src/extension.ts import vscode.' }] },
      ],
    },
  },
  {
    files: ['webview/charts/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/inspector/**', '**/heatmap/**', '**/worker/**', '**/ui/**', 'vscode'],
              message: 'Charts draw what they are given: no state, no page.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'window', 'document', 'fetch', 'localStorage'],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
);
