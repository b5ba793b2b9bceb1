// Runs the packed package on several versions of Node and with several package managers, and writes the results to
// docs/compatibility.md. Only the rows of what was run are replaced.
//   npm run check:matrix                              everything but the test suite
//   npm run check:matrix -- --node 20,22              the smoke test on these versions of Node
//   npm run check:matrix -- --managers npm,'yarn 1'     the smoke test with these package managers
//   npm run check:matrix -- --suite 20,22,24,26       all tests on each version, with one prebuilt addon: hours
//   npm run check:matrix -- --electron 42,28          the tests of test/electron/10.suite.ts, which need Xvfb
//   npm run check:matrix -- --suite 22 --tests 'test/40.torch/*.ts'     some tests, printed only
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createProject,
  findLibTorch,
  installNode,
  installTools,
  pack,
  pathWithoutCompilers,
  root,
  run,
  smoke,
  userEnvironment,
  withDirectory,
  writeInputs,
} from './installed.mjs';

const page = join(root, 'docs', 'compatibility.md');
const nodeVersions = ['20', '22', '24', '26'];

/**
 * How each package manager installs and runs. `$tools` is the directory of the installed managers, and `files` are
 * written to the project.
 */
const managers = {
  npm: {
    install: ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'],
    node: ['node'],
    semisup: ['npx', '--no-install', 'semisup'],
    version: ['npm', '--version'],
  },
  'pnpm 12': {
    tool: '@pnpm/exe.linux-x64@12.21.0',
    install: ['$tools/@pnpm/exe.linux-x64/pnpm', 'install', '--ignore-scripts'],
    node: ['node'],
    semisup: ['$tools/@pnpm/exe.linux-x64/pnpm', 'exec', 'semisup'],
    version: ['$tools/@pnpm/exe.linux-x64/pnpm', '--version'],
  },
  'pnpm 10': {
    tool: 'pnpm@10.34.8',
    install: ['node', '$tools/pnpm/bin/pnpm.cjs', 'install', '--ignore-scripts'],
    node: ['node'],
    semisup: ['node', '$tools/pnpm/bin/pnpm.cjs', 'exec', 'semisup'],
    version: ['node', '$tools/pnpm/bin/pnpm.cjs', '--version'],
  },
  'yarn 1': {
    tool: 'yarn@1.22.22',
    install: ['node', '$tools/yarn/bin/yarn.js', 'install', '--ignore-scripts'],
    node: ['node'],
    semisup: ['node', '$tools/yarn/bin/yarn.js', '--silent', 'run', 'semisup'],
    version: ['node', '$tools/yarn/bin/yarn.js', '--version'],
  },
  'yarn 4 (node_modules)': yarn4('node-modules'),
  "yarn 4 (Plug'n'Play)": yarn4('pnp'),
  bun: {
    tool: '@oven/bun-linux-x64@1.4.5',
    install: ['$tools/@oven/bun-linux-x64/bin/bun', 'install', '--ignore-scripts'],
    node: ['node'],
    semisup: ['$tools/@oven/bun-linux-x64/bin/bun', 'run', 'semisup'],
    version: ['$tools/@oven/bun-linux-x64/bin/bun', '--version'],
  },
  'bun as the runtime': {
    tool: '@oven/bun-linux-x64@1.4.5',
    install: ['$tools/@oven/bun-linux-x64/bin/bun', 'install', '--ignore-scripts'],
    node: ['$tools/@oven/bun-linux-x64/bin/bun'],
    semisup: ['$tools/@oven/bun-linux-x64/bin/bun', 'run', '--bun', 'semisup'],
    version: ['$tools/@oven/bun-linux-x64/bin/bun', '--version'],
  },
};

function yarn4(linker) {
  const yarn = ['node', '$tools/@yarnpkg/cli-dist/bin/yarn.js'];
  return {
    tool: '@yarnpkg/cli-dist@4.18.1',
    files: {
      '.yarnrc.yml': `nodeLinker: ${linker}\nenableScripts: false\nenableTelemetry: false\n`,
      'yarn.lock': '',
    },
    install: [...yarn, 'install', '--no-immutable'],
    node: [...yarn, 'node'],
    semisup: [...yarn, 'run', 'semisup'],
    version: [...yarn, '--version'],
  };
}

const allTests = 'test/[0-9]*/*.ts';

/** The kinds of process in Electron, and the titles of their tests. */
const electronTitles = {
  'main process': 'in the main process',
  'utility process': 'in the utility process',
  ELECTRON_RUN_AS_NODE: 'with ELECTRON_RUN_AS_NODE',
};
const electronProcesses = Object.keys(electronTitles);

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    managers: { type: 'string' },
    suite: { type: 'string' },
    electron: { type: 'string' },
    tests: { type: 'string', default: allTests },
  },
});
const all = ['node', 'managers', 'suite', 'electron'].every((name) => !values[name]);
const selected = {
  node: values.node?.split(',') ?? (all ? nodeVersions : []),
  managers: values.managers?.split(',') ?? (all ? Object.keys(managers) : []),
  suite: values.suite?.split(',') ?? [],
  electron: values.electron?.split(',') ?? [],
};

await withDirectory(async (directory) => {
  const shared = { directory, libtorch: await findLibTorch(), inputs: join(directory, 'inputs') };
  if (selected.node.length + selected.managers.length > 0) {
    mkdirSync(shared.inputs);
    writeInputs(shared.inputs);
    shared.tarball = pack(directory).file;
  }
  for (const version of selected.node) {
    report('node', ['Node', 'smoke test'], checkNode(version, shared));
  }
  for (const name of selected.managers) {
    report('managers', ['installed with', 'version', 'smoke test'], checkManager(name, shared));
  }
  for (const version of selected.suite) {
    report('suite', ['Node', 'passed', 'pending', 'failed'], runSuite(version, shared));
  }
  for (const major of selected.electron) {
    report('electron', ['Electron', ...electronProcesses], runInElectron(major, shared));
  }
});

/** Prints the row of a table, and writes it to the page unless it is about a part of the tests only. */
function report(table, header, row) {
  console.log(header.map((name, i) => `${name}: ${row[i]}`).join(', '));
  if (table !== 'suite' || values.tests === allTests) writeTable(table, header, row);
}

/** Runs the smoke test on a version of Node, in a project installed with npm. */
function checkNode(version, { directory, tarball, ...inputs }) {
  const place = join(directory, `node-${version}`);
  const file = installNode(join(place, 'tools'), version);
  const path = pathWithoutCompilers(join(place, 'bin'), file);
  const project = join(place, 'project');
  createProject(project, tarball);
  const result = outcome(`Node ${version}`, () => {
    run('npm', managers.npm.install.slice(1), {
      cwd: project,
      env: userEnvironment(directory, { path: pathWithoutCompilers(join(place, 'npm')) }),
    });
    const cli = join('node_modules', 'semisup', 'lib', 'cli', 'index.js');
    smoke({ ...inputs, project, path, node: [file], semisup: [file, cli] });
  });
  return [versionOf(file), result];
}

/** Installs with a package manager, on this version of Node, and runs the smoke test. */
function checkManager(name, { directory, tarball, ...inputs }) {
  const manager = managers[name];
  if (!manager) {
    const names = Object.keys(managers).join(', ');
    throw new Error(`Expected package managers among ${names}, but received ${name}.`);
  }
  const place = join(directory, name.replaceAll(/\W+/g, '-'));
  const tools = manager.tool ? installTools(join(place, 'tools'), [manager.tool]) : '';
  const [install, version, node, semisup] = [
    ...[manager.install, manager.version, manager.node, manager.semisup],
  ].map((command) => command.map((part) => part.replace('$tools', tools)));
  const path = pathWithoutCompilers(join(place, 'bin'));
  const project = join(place, 'project');
  createProject(project, tarball);
  for (const [file, text] of Object.entries(manager.files ?? {})) {
    writeFileSync(join(project, file), text);
  }
  const registry = run('npm', ['config', 'get', 'registry']).stdout.trim();
  const settings = {
    npm_config_registry: registry,
    YARN_REGISTRY: registry,
    YARN_NPM_REGISTRY_SERVER: registry,
    BUN_CONFIG_REGISTRY: registry,
  };
  const env = userEnvironment(directory, { path, ...settings });
  const found = run(version[0], version.slice(1), { cwd: project, env }).stdout.trim();
  const result = outcome(name, () => {
    run(install[0], install.slice(1), { cwd: project, env });
    smoke({ ...inputs, project, path, node, semisup, env: settings });
  });
  return [name, found, result];
}

/** Runs the tests on a version of Node with the addon of prebuilds/. */
function runSuite(version, { directory, libtorch }) {
  // Some tests run Node as another user.
  chmodSync(directory, 0o755);
  const file = installNode(join(directory, `suite-${version}`), version);
  const report = join(directory, `suite-${version}.json`);
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const path = [dirname(file), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, PREBUILDS_ONLY: '1', SEMISUP_LIBTORCH: libtorch };
  const options = ['--reporter', 'json', '--reporter-option', `output=${report}`];
  const failure = outcome(`the tests on Node ${version}`, () => {
    run(file, [mocha, ...options, values.tests], { cwd: root, env });
  });
  const { stats, failures } = JSON.parse(readFileSync(report, 'utf8'));
  for (const { fullTitle, err } of failures) console.error(`  ${fullTitle}: ${err.message}`);
  if (failure !== 'passed' && stats.failures === 0) throw new Error(failure);
  return [versionOf(file), stats.passes, stats.pending, stats.failures];
}

/** Runs the part of the tests that Electron can run, in each kind of process. */
function runInElectron(major, { directory }) {
  const report = join(directory, `electron-${major}.json`);
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const options = ['--reporter', 'json', '--reporter-option', `output=${report}`];
  const selection = ['--grep', `in Electron ${major}\\.`, 'test/electron/10.suite.ts'];
  const result = outcome(`the tests in Electron ${major}`, () => {
    run(process.execPath, [mocha, ...options, ...selection], { cwd: root });
  });
  const { passes, pending, failures } = JSON.parse(readFileSync(report, 'utf8'));
  const all = [...passes, ...pending, ...failures];
  const version = /in Electron (\S+ \(Node \S+\))/.exec(all[0]?.fullTitle)?.[1];
  if (version === undefined) throw new Error(`There are no tests in Electron ${major}: ${result}`);
  const cells = Object.values(electronTitles).map((title) => {
    const { fullTitle } = passes.find((test) => test.fullTitle.includes(title)) ?? {};
    if (fullTitle !== undefined) return fullTitle.split(': ').at(-1);
    return pending.some((test) => test.fullTitle.includes(title)) ? 'not run' : 'failed';
  });
  return [version, ...cells];
}

function versionOf(node) {
  return run(node, ['--version']).stdout.trim().slice(1);
}

/** Runs `check`. Returns `passed`, or the first line of the failure after printing all of it. */
function outcome(title, check) {
  try {
    check();
    return 'passed';
  } catch (error) {
    process.exitCode = 1;
    console.error(`${title}: failed\n${error.message}`);
    const reason = /^\w*Error\b.*$/m.exec(error.message)?.[0] ?? error.message.split('\n')[0];
    return `failed: ${reason.slice(0, 200).replaceAll('|', '\\|')}`;
  }
}

/** Updates a row of the table between two comments of the page. Rows are identified by a name or a major version. */
function writeTable(name, header, row) {
  const text = readFileSync(page, 'utf8');
  const [table] = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- end -->`).exec(text) ?? [];
  if (table === undefined) throw new Error(`Expected a comment '<!-- ${name} -->' in ${page}.`);
  const updated = new Map([...readRows(table), row].map((each) => [keyOf(each), each]));
  const lines = [header, header.map(() => '---'), ...updated.values()];
  const written = lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
  writeFileSync(
    page,
    text.replace(table, () => `<!-- ${name} -->\n\n${written}\n<!-- end -->`),
  );
}

function readRows(table) {
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => line.split(/ *(?<!\\)\| */).slice(1, -1));
}

function keyOf([name]) {
  return name.split('.')[0];
}
