import { setTensorConverter } from '../native';
import { openNativeSync } from './addon';
import { openDeviceSync } from './device';
import { sharedExecutor } from './executor';

setTensorConverter({
  convert(handle, device, dtype) {
    const { name } = openDeviceSync(device);
    const native = openNativeSync();
    return { native, handle: native.convertTensor(handle, name, dtype) };
  },
  async move(handle, device) {
    const { native, handle: executor } = await sharedExecutor();
    return { native, handle: await native.moveTensor(executor, handle, device) };
  },
});
