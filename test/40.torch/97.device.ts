import assert from 'node:assert/strict';
import { DeviceError } from '../../src/errors';
import type { GpuDriver, LibTorch } from '../../src/libtorch';
import type { DeviceName } from '../../src/native';
import { openDevice, openDeviceSync } from '../../src/torch/device';
import { armModel } from '../../src/torch/processor';

const libtorch: LibTorch = {
  ...{ dir: '/lt', version: '2.13.0', variant: 'cu130', headers: false },
  ...{ source: 'a test', rejected: [] },
};
const driver: GpuDriver = {
  cuda: '13.0',
  gpus: [{ name: 'A', capability: '9.0', memory: { total: 1, free: 1 } }],
};

/** A system with one GPU that cannot be opened, except for what a test overrides. */
function systemWith(overrides: { libtorch?: LibTorch; driver?: GpuDriver } = {}) {
  const probe = {
    queries: 0,
    findLibTorch: () => ('libtorch' in overrides ? overrides.libtorch : libtorch),
    queryDriver: () => {
      probe.queries++;
      return overrides.driver ?? driver;
    },
    cudaBackend: () => 'backend.so',
    openGpu: (): never => {
      throw new Error('the GPU is in exclusive use');
    },
  };
  return probe;
}

for (const [name, open] of [
  ['openDevice', openDevice],
  ['openDeviceSync', openDeviceSync],
] as const) {
  // A promise either way, so that one test covers both.
  const call = async (device: DeviceName, probe = systemWith()) => await open(device, probe);

  describe(name, () => {
    let warnings: string[];
    const onWarning = ({ message }: Error) => warnings.push(message);
    beforeEach(() => {
      warnings = [];
      process.on('warning', onWarning);
    });
    afterEach(() => process.off('warning', onWarning));

    it("warns and returns the CPU if 'auto' finds a GPU that cannot be opened", async () => {
      assert.deepEqual(await call('auto'), { name: 'cpu' });
      await new Promise(setImmediate);
      assert.equal(warnings.length, 1);
      assert.match(
        warnings[0]!,
        /'cuda:0'.*the GPU is in exclusive use\. Falling back to the CPU\.$/,
      );
    });

    it('throws if a GPU that was named cannot be opened', async () => {
      await assert.rejects(call('cuda'), { code: 'ERR_SEMISUP_DEVICE_FAILED' });
      await assert.rejects(call('cuda:0'), DeviceError);
      assert.deepEqual(warnings, []);
    });

    it('throws if the driver does not list the GPU', async () => {
      await assert.rejects(call('cuda:7'), { code: 'ERR_SEMISUP_DEVICE_UNAVAILABLE' });
    });

    it("returns the CPU for 'auto' if the driver has a problem", async () => {
      const probe = systemWith({ driver: { ...driver, failure: 'mismatch' } });
      assert.deepEqual(await call('auto', probe), { name: 'cpu' });
      await assert.rejects(call('cuda', probe), { code: 'ERR_SEMISUP_DEVICE_UNAVAILABLE' });
      assert.deepEqual(warnings, []);
    });

    it("does not query the driver for 'auto' if LibTorch is for the CPU", async () => {
      const probe = systemWith({ libtorch: { ...libtorch, variant: 'cpu' } });
      assert.deepEqual(await call('auto', probe), { name: 'cpu' });
      assert.deepEqual(await call('cpu', probe), { name: 'cpu' });
      assert.equal(probe.queries, 0);
    });
  });
}

describe('the model of a processor that Node does not know', () => {
  const core = (implementer: string, part: string) =>
    `processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: ${implementer}\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: ${part}\nCPU revision\t: 1\n\n`;

  it('is that of all its cores', () => {
    const small = core('0x41', '0xd80');
    const large = core('0x41', '0xd82');
    assert.equal(armModel(small + small), 'Arm processor 0x41 0xd80');
    assert.equal(armModel(large + small + large), 'Arm processor 0x41 0xd80, 0x41 0xd82');
  });

  it('is unknown on other systems', () => {
    assert.equal(armModel('vendor_id\t: GenuineIntel\nmodel name\t: unknown\n'), undefined);
    assert.equal(armModel(''), undefined);
  });
});
