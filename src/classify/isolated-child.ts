/** The program of the process of an isolated model. */
import {
  decodeValue,
  disposeTensors,
  encodeValue,
  serve,
  type Answer,
  type Message,
} from '../isolate';
import { metadataFile } from '../models';
import { type Tensor } from '../native';
import {
  checkPrecision,
  openDevice,
  ScriptModule,
  type DeviceHandle,
  type KeywordArguments,
  type ScriptValue,
} from '../torch';
import { createPlan } from './create-plan';
import type {
  GradCamRequest,
  InvokeRequest,
  LoadAnswer,
  LoadRequest,
  PlanRequest,
} from './isolated-requests';
import { defaultInstances } from './planned-model';

let module_: ScriptModule;
let device: DeviceHandle;

async function load({ header, body }: Message): Promise<Answer> {
  const request = header as LoadRequest;
  const archive = request.path ?? body.subarray(0, request.length);
  const { device: name, precision = 'float32', threads, instances, verify } = request;
  device = await openDevice(name);
  checkPrecision(precision, device);
  const options = { threads, instances: instances ?? defaultInstances(device), verify };
  module_ = await ScriptModule.load(archive, { ...options, device: 'cpu' });
  const metadata = module_.extraFiles[metadataFile];
  const answer: LoadAnswer = {
    methods: module_.methods,
    metadata: typeof metadata === 'string' ? metadata : undefined,
    isOnGpu: device.gpu !== undefined,
    instances: options.instances,
  };
  return { header: answer };
}

async function plan({ header, body }: Message): Promise<Answer> {
  const { method, transform, options, calibration } = header as PlanRequest;
  const images = calibration && (decodeValue({ header: calibration, body }) as Tensor);
  const loadImages = images && (() => Promise.resolve(images));
  return { header: await createPlan(module_, method, transform, options, device, loadImages) };
}

async function invoke({ header, body }: Message): Promise<Answer> {
  const { method, args, outputs } = header as InvokeRequest;
  return await call({ header: args, body }, (decoded) =>
    outputs
      ? module_.invokeOutputs(method, (decoded as Tensor[])[0]!, outputs)
      : module_.invoke<ScriptValue>(method, decoded as (ScriptValue | KeywordArguments)[]),
  );
}

async function gradCam({ header, body }: Message): Promise<Answer> {
  const { layer, index, images } = header as GradCamRequest;
  return await call({ header: images, body }, (decoded) =>
    module_.gradCam(decoded as Tensor, layer, index),
  );
}

/** Calls the module with the value of a message. */
async function call(
  message: Message,
  run: (decoded: ScriptValue) => Promise<ScriptValue>,
): Promise<Answer> {
  const decoded = decodeValue(message);
  try {
    const result = await run(decoded);
    try {
      return await encodeValue(result);
    } finally {
      disposeTensors(result);
    }
  } finally {
    disposeTensors(decoded);
  }
}

serve({ load, plan, invoke, gradCam });
