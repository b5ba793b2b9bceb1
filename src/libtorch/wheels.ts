/** A Python wheel that contains LibTorch, or libraries that it depends on. */
export interface Wheel {
  /** Its file name: package, version and platform tags (PEP 427). */
  readonly file: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** Base URL on PyTorch's download server; without one, the wheel is downloaded with pip only. */
  readonly base?: string;
  /** Wheels with the same libraries, for where this one is not available. */
  readonly substitutes?: readonly Wheel[];
}

/** Parses rows of SHA-256, size in bytes and file name. */
function parseRows(rows: string, base?: string): Wheel[] {
  return rows
    .trim()
    .split('\n')
    .map((row) => {
      const [sha256, size, file] = row.split(/ +/) as [string, string, string];
      return { file, sha256, size: Number(size), base };
    });
}

/** The CPU libraries of the CUDA build depend on two CUDA libraries, but need no GPU. */
function cpuPartOf(wheels: readonly Wheel[]): readonly Wheel[] {
  return wheels.filter(({ file }) => /^(torch|nvidia_cuda_runtime|nvidia_cuda_cupti)-/.test(file));
}

const linuxX64Cuda = parseRows(`
60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7 526574961 torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl
0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304 366173588 nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_x86_64.whl
786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0 170148586 nvidia_cusparselt_cu13-0.8.1-py3-none-manylinux2014_x86_64.whl
edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d 205976000 nvidia_nccl_cu13-2.29.7-py3-none-manylinux_2_18_x86_64.whl
290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80  60412546 nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436 423138758 nvidia_cublas-13.1.1.3-py3-none-manylinux_2_27_x86_64.whl
4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8  10715597 nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl
ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575  90215200 nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl
2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4    134086 nvidia_cuda_crt-13.0.88-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548   2243632 nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3 214085489 nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44   1223672 nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc  59544258 nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl
0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112 200941980 nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl
2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b 145942937 nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b  40713933 nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl
f658a05c48702219b3db52e194c2ea1ff0ccd3fbf2b75127b4a573074cc22fd5   3719559 nvidia_nvjpeg-13.0.1.86-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
`);

// The package index has only the CUDA build for Linux on x64.
const linuxX64Cpu = parseRows(
  `
6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b 191794682 torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl
`,
  'https://download.pytorch.org/whl/cpu/',
).map((wheel) => ({ ...wheel, substitutes: cpuPartOf(linuxX64Cuda) }));

const linuxArm64Cuda = parseRows(`
092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c 427199369 torch-2.13.0-cp311-cp311-manylinux_2_28_aarch64.whl
e31454ae00094b0c55319d9d15b6fa2fc50a9e1c0f5c8c80fb75258234e731e1 444574296 nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_aarch64.whl
4dca476c50bf4780d46cd0bfbd82e2bc10a08e4fef7950917ce8d7578d22a23f 221051344 nvidia_cusparselt_cu13-0.8.1-py3-none-manylinux2014_aarch64.whl
674a12383e3c38a1bcccae7d4f3633b37852230b6047883cb2f4c2d1b36d9bf5 206014712 nvidia_nccl_cu13-2.29.7-py3-none-manylinux_2_18_aarch64.whl
6dc2a197f38e5d0376ad52cd1a2a3617d3cdc150fd5966f4aee9bcebb1d68fe9  60215947 nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
b7a210458267ac818974c53038fbec2e969d5c99f305ab15c72522fa9f001dd5 542848918 nvidia_cublas-13.1.1.3-py3-none-manylinux_2_27_aarch64.whl
796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151  10310827 nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl
d27f20a0ca67a4bb34268a5e951033496c5b74870b868bacd046b1b8e0c3267b  43015449 nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
ee2ea2a97073e02ee62bb27841f437332be2c248e3eac013df07997ada39c003    134086 nvidia_cuda_crt-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55   2261060 nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
2708c852ef8cd89d1d2068bdbece0aa188813a0c934db3779b9b1faa8442e5f5 214053554 nvidia_cufft-12.0.0.61-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
bdc0deedc61f548bddf7733bdc216456c2fdb101d020e1ab4b88d232d5e2f6d1   1136992 nvidia_cufile-1.15.1.6-py3-none-manylinux_2_27_aarch64.whl
133df5a7509c3e292aaa2b477afd0194f06ce4ea24d714d616ff36439cee349a  61962106 nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_aarch64.whl
02c2457eaa9e39de20f880f4bd8820e6a1cfb9f9a34f820eb12a155aa5bc92d2 223467760 nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_aarch64.whl
80bcc4662f23f1054ee334a15c72b8940402975e0eab63178fc7e670aa59472c 162155568 nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
e931536ccc7d467a98ba1d8b89ff7fa7f1fa3b13f2b0069118cd7f47bff07d0c  38768748 nvidia_nvjitlink-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
d4be80fe2ca19d394d0baaac7ca59892fac892741b6f1c3f743b33dfb660a217   3654567 nvidia_nvjpeg-13.0.1.86-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl
`);

// No CPU-only build for Linux on ARM is pinned, so its CPU libraries come from the CUDA build.
const linuxArm64Cpu = cpuPartOf(linuxArm64Cuda);

const darwinArm64Cpu = parseRows(`
e76f9bcecc52b8ff711239a2f7547d5353df95878ab232f0773c1d95928b92f8 111187938 torch-2.13.0-cp311-cp311-macosx_14_0_arm64.whl
`);

const win32X64Cpu = parseRows(`
a0d8b11f16a48d60e2015d8213aa0390744cbebb98e58b62b3514dddc656e330 122015870 torch-2.13.0-cp311-cp311-win_amd64.whl
`);

/**
 * The files of each build, by Node's `<platform>-<architecture>`. Names, sizes and hashes are those of the
 * package indexes. The NVIDIA wheels are those that torch 2.13.0 requires in its metadata and opens at
 * run time, plus nvJPEG and the headers that the CUDA headers include.
 */
export const wheels: Readonly<Record<string, Readonly<Record<string, readonly Wheel[]>>>> = {
  'linux-x64': { cpu: linuxX64Cpu, cu130: linuxX64Cuda },
  'linux-arm64': { cpu: linuxArm64Cpu, cu130: linuxArm64Cuda },
  'darwin-arm64': { cpu: darwinArm64Cpu },
  'win32-x64': { cpu: win32X64Cpu },
};
