// A fake NVIDIA driver with the functions of the CUDA driver API and of NVML that semisup calls. Macros:
//   INIT     the result of cuInit(), default 0
//   VERSION  the version that cuDriverGetVersion() reports, default 13000
//   GPUS     the number of GPUs, default 2
//   NVML     the result of nvmlInit_v2(), default: no NVML
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef INIT
#define INIT 0
#endif
#ifndef VERSION
#define VERSION 13000
#endif
#ifndef GPUS
#define GPUS 2
#endif

int cuInit(unsigned flags) { return flags == 0 ? INIT : 1; }
int cuDriverGetVersion(int *version) {
  *version = VERSION;
  return 0;
}
int cuGetErrorString(int error, const char **text) {
  if (error != 803) return 1;
  *text = "system has unsupported display driver / cuda driver combination";
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = GPUS;
  return 0;
}
// Device handles differ from device indices.
int cuDeviceGet(int *device, int index) {
  *device = 40 + index;
  return 0;
}
int cuDeviceGetName(char *name, int size, int device) {
  snprintf(name, size, "Fake GPU %d", device - 40);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 8 + (device - 40) : attribute == 76 ? 6 * (device == 40) : -1;
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)(device - 39) * 80000000000;
  return 0;
}
int cuDeviceGetUuid(unsigned char *uuid, int device) {
  for (int i = 0; i < 16; i++) uuid[i] = 16 * i + (device - 40);
  return 0;
}

#ifdef NVML
static int handles[2] = {1000, 2000};
int nvmlInit_v2(void) { return NVML; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
  const char *known[2] = {"GPU-00102030-4050-6070-8090-a0b0c0d0e0f0",
                          "GPU-01112131-4151-6171-8191-a1b1c1d1e1f1"};
  for (int i = 0; i < 2; i++) {
    if (strcmp(uuid, known[i]) == 0) {
      *handle = &handles[i];
      return 0;
    }
  }
  return 2;
}
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
  memory[0] = 7;
  memory[1] = *(int *)handle;
  memory[2] = 9;
  return 0;
}
#endif
