// Instrumented code is slow: no test times out, whatever limit it sets itself.
const { Runnable, Suite } = require('mocha');

for (const { prototype } of [Runnable, Suite]) {
  const { timeout } = prototype;
  prototype.timeout = function (...limits) {
    return limits.length === 0 ? timeout.call(this) : timeout.call(this, 0);
  };
}
