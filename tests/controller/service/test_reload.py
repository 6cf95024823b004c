"""What a reload takes over, and what it says of the rest."""

from controller.config.loader import parse_config
from controller.service.run import restart_only
from tests.simulation.topology import site


def test_what_only_a_restart_takes_over_is_named() -> None:
    started = parse_config(site(1))
    text = site(1, optional=True).replace("127.0.0.1:9559", "127.0.0.1:9560")
    assert restart_only(started, parse_config(site(1) + "isakmp: {window: 2, keepalive: 3}\n")) == (
        "isakmp.window",
    )
    changed = parse_config(text + "api: {listen: ['unix:/tmp/a.sock']}\n"
                           "debug: {ike_keylog_file: ike.keys}\n")  # fmt: skip
    assert restart_only(started, changed) == (
        "switch.address",
        "api.listen",
        "debug.ike_keylog_file",
    )
    assert restart_only(started, parse_config(site(1, optional=True))) == ()
