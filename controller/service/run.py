"""Start the controller, and end it cleanly: SIGTERM and SIGINT stop it, SIGHUP reloads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path

import structlog
from finsy.grpcutil import GRPCCredentialsTLS

from controller.api.listening import server_tls
from controller.api.server import ApiServer
from controller.config.loader import load_config
from controller.config.models import Config
from controller.config.problems import ConfigError
from controller.p4runtime.channel import SwitchChannel
from controller.policy.compile import compile_policy
from controller.policy.ike_settings import SETTINGS_FIELDS
from controller.policy.model import Policy
from controller.router.router import Router
from controller.service.backend import ServiceBackend
from controller.service.clock import Clock
from controller.service.collector import relax_collector
from controller.service.keylog import KeyLog
from controller.service.service import Service
from controller.service.state_file import StateFile
from ike.state.errors import StateError

SHUTDOWN_TIME = 5.0
"""Seconds that a goodbye may take."""


async def run(config_path: Path, *, leave_sas: bool = False) -> int:
    """Run the controller of one router until SIGTERM or SIGINT; return its exit code.

    Raises:
        ConfigError: the configuration has errors.
        ListenError: the API can't listen where it should.
        OSError: a key log, a certificate or the state's key can't be opened.
    """
    config, policy = load(config_path)
    log = structlog.get_logger(router=policy.hostname)
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)

    with (
        KeyLog(config.debug.ike_keylog_file) as ike_keylog,
        KeyLog(config.debug.esp_keylog_file) as esp_keylog,
    ):
        clock = Clock()
        state = StateFile.of(config.controller.state_file)
        router = Router(
            policy,
            now=clock.now(),
            wall_clock=clock.wall,
            random_bytes=os.urandom,
            settings=replace(
                policy.ike_settings, qcd_secret=state.qcd_secret if state is not None else None
            ),
            ike_keylog=ike_keylog.write,
            esp_keylog=esp_keylog.write,
        )
        if state is not None:
            carry_on(router, state, clock)
        channel = channel_of(config)
        service = Service(router, channel, clock, state_file=state)
        if ike_keylog.write or esp_keylog.write:
            log.warning("keys are written to files for debugging: the SAs are not secret")
        backend = ServiceBackend(service, config_path)
        server = ApiServer(backend, config.api.listen, server_tls(config.api.tls))
        await server.start()
        relax_collector()
        log.info("started", api=[str(endpoint) for endpoint in server.listening])
        try:
            async with channel:
                await _serve(service, config_path, config, stop, reload, leave_sas=leave_sas)
        finally:
            await server.stop()
    log.info("stopped")
    return 0


def carry_on(router: Router, state: StateFile, clock: Clock) -> None:
    """Have the router carry on the IKE SAs of the controller before, if they can be."""
    log = structlog.get_logger(router=router.policy.hostname)
    try:
        blob = state.load()
        if blob is not None:
            router.import_state(blob, state.key, clock.now())
    except (OSError, StateError) as error:
        log.warning(f"the IKE SAs of the controller before are not carried on: {error}")
        state.set_aside()


def load(config_path: Path) -> tuple[Config, Policy]:
    """Load and compile a configuration file.

    Raises:
        ConfigError: with every error there is.
    """
    config = load_config(config_path)
    return config, compile_policy(config)


def channel_of(config: Config) -> SwitchChannel:
    """Return the channel to the configured switch, not yet open."""
    tls = config.switch.tls
    return SwitchChannel(
        str(config.switch.address),
        device_id=config.switch.device_id,
        election_id=config.switch.election_id,
        credentials=None
        if tls is None
        else GRPCCredentialsTLS(
            cacert=tls.ca_file, cert=tls.certificate_file, private_key=tls.key_file
        ),
    )


async def _serve(
    service: Service,
    config_path: Path,
    config: Config,
    stop: asyncio.Event,
    reload: asyncio.Event,
    *,
    leave_sas: bool,
) -> None:
    work = asyncio.create_task(service.run())
    stopping = asyncio.create_task(stop.wait())
    reloading = asyncio.create_task(_reload_on_demand(service, config_path, config, reload))
    try:
        await asyncio.wait({work, stopping, reloading}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_TIME):
                    await service.shut_down(leave_sas=leave_sas)
    finally:
        for task in (stopping, reloading, work):
            task.cancel()
        results = await asyncio.gather(work, stopping, reloading, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _reload_on_demand(
    service: Service, config_path: Path, started: Config, reload: asyncio.Event
) -> None:
    """Take over the file at each SIGHUP; a file with errors changes nothing."""
    log = structlog.get_logger()
    while True:
        await reload.wait()
        reload.clear()
        try:
            config, policy = load(config_path)
        except ConfigError as error:
            for problem in error.problems:
                log.error(str(problem))
            log.error("configuration not loaded: the one before stays in force")
        else:
            await service.reload(policy, left_out=restart_only(started, config))


def restart_only(started: Config, config: Config) -> tuple[str, ...]:
    """Name what differs from the configuration at the start and only a restart takes over."""
    names = []
    for section in ("switch", "api", "isakmp", "controller", "debug"):
        before, after = getattr(started, section), getattr(config, section)
        keys = SETTINGS_FIELDS if section == "isakmp" else type(before).model_fields
        names += [f"{section}.{key}" for key in keys if getattr(before, key) != getattr(after, key)]
    return tuple(names)
