// Loaded first into each emulated Node: child processes must be started by the script that runs Node in QEMU, not by
// Node's own file, which this machine's kernel cannot execute.
process.execPath = process.env.SEMISUP_EMULATED_NODE;
