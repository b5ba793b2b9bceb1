import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['lib/', 'build/', 'prebuilds/', 'coverage/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // A caller may know what TorchScript gives, where the compiler cannot.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/cli/**'],
    rules: {
      // What most processes do not need is loaded on first use. `import()` does not work in the contexts of node:vm in
      // which Vitest and Jest run.
      '@typescript-eslint/no-require-imports': [
        'error',
        {
          allow: [
            '^(sharp|@napi-rs/image|node-gyp-build|undici|hyparquet|hyparquet-writer|@lancedb/lancedb)$',
            '^\\./(compile-in-cache|compose-report|compose-selection-report|evaluation-run|install|isolated-module|layouts|python|scoring-run|selftrain-run|torchscript)$',
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ImportExpression', message: 'Call require: see eslint.config.mjs.' },
        {
          selector: 'VariableDeclaration[kind=/using$/]',
          message: 'Use try and finally: see src/dispose.ts.',
        },
        {
          selector: 'MemberExpression[object.name="Symbol"][property.name=/^(d|asyncD)ispose$/]',
          message: 'Import the symbol from src/dispose.ts.',
        },
      ],
    },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-floating-promises': 'error' } },
  { files: ['**/*.mjs', 'examples/**/*.js'], languageOptions: { globals: globals.node } },
  { files: ['**/*.cjs'], languageOptions: { globals: { ...globals.node, ...globals.commonjs } } },
  // Scripts of one page, which share their names.
  { files: ['assets/report/**'], languageOptions: { sourceType: 'script' } },
  {
    files: ['assets/report/**', 'examples/electron/src/renderer/**'],
    languageOptions: { globals: globals.browser },
  },
  prettier,
);
