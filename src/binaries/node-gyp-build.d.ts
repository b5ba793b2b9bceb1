declare module 'node-gyp-build' {
  function load(root: string): unknown;
  namespace load {
    /** The file of the addon's build for this platform: `build/Release`, or one of `prebuilds`. */
    function path(root: string): string;
  }
  export = load;
}
