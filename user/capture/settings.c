/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/settings.h"

#include "sockwatch_abi.h"

/* The hook on the cgroup leaves out the kernel's own sockets. */
uint32_t settings_releases(const int chosen[HOOK_PURPOSES])
{
	uint32_t release = 0;

	if (chosen[HOOK_RELEASE] >= 0)
		release |= SW_RELEASE_USER;
	if (chosen[HOOK_RELEASE] > 0)
		release |= SW_RELEASE_KERNEL;
	if (chosen[HOOK_PACKET_RELEASE] >= 0)
		release |= SW_RELEASE_PACKET;
	return release;
}

uint32_t settings_metered(const int chosen[HOOK_PURPOSES])
{
	uint32_t metered = 0;

	if (hooks_wants(chosen, "tcp_received"))
		metered |= SW_METERED_RX;
	if (hooks_degraded(chosen, HOOK_BYTES))
		metered |= SW_METERED_TX;
	if (hooks_degraded(chosen, HOOK_UDP_BYTES))
		metered |= SW_METERED_UDP;
	return metered;
}
