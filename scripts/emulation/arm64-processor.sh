#!/bin/sh
# Runs a command in a mount namespace whose /proc/cpuinfo and /sys describe the processor that QEMU emulates. QEMU shows
# those of the host, with which PyTorch's cpuinfo crashes.
#   unshare --mount sh arm64-processor.sh COMMAND
set -e
cpu=/sys/devices/system/cpu
mount -t tmpfs tmpfs $cpu
for i in 0 1; do mkdir -p $cpu/cpu$i/regs/identification $cpu/cpu$i/topology; echo 0x00000000413fd0c1 > $cpu/cpu$i/regs/identification/midr_el1; done
for f in possible present online; do echo 0-1 > $cpu/$f; done
for i in 0 1; do printf 'processor\t: %s\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n' $i; done > $cpu/cpuinfo
mount --bind $cpu/cpuinfo /proc/cpuinfo
exec "$@"
