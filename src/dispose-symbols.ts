// Node 20 and 22 define `Symbol.dispose` and `Symbol.asyncDispose`, as these registered symbols, in the main
// context only. Elsewhere, for example in the sandboxes of test runners, `using` fails without them. The package
// imports this file before any other, because classes read the symbols when they are defined.
define('dispose', 'nodejs.dispose');
define('asyncDispose', 'nodejs.asyncDispose');

function define(name: 'dispose' | 'asyncDispose', key: string): void {
  if (typeof Symbol[name] !== 'symbol') {
    Object.defineProperty(Symbol, name, { value: Symbol.for(key) });
  }
}
