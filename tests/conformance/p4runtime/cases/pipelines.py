"""Setting and getting the pipeline (specification §14, §15)."""

from finsy.proto import p4i, p4r

from tests.conformance.p4runtime.client import Client, primary
from tests.conformance.p4runtime.requests import everything, neighbor, table

GET = ("ALL", "COOKIE_ONLY", "P4INFO_AND_COOKIE", "DEVICE_CONFIG_AND_COOKIE")


def before_and_after_the_first(world, case):
    client = Client(world)
    case("capabilities", client.capabilities())
    client.arbitrate()
    for what in GET:
        case(f"get {what} before a push", client.pipeline(what))
    case("write before a push", client.insert(neighbor(client)))
    case("read before a push", client.read(everything()))
    case("verify", client.push("VERIFY"))
    case("get after verify", client.pipeline())
    case("push", client.push(cookie=5))
    for what in GET:
        case(f"get {what}", client.pipeline(what))


def refused(world, case):
    client = Client(world)
    client.arbitrate()
    case("JSON is malformed", client.push(config=b"{"))
    case("P4Info is empty", client.push(p4info=p4i.P4Info()))
    case("no action", client.push("UNSPECIFIED"))
    case("no config", client.push(empty=True))
    client.election_id = 77
    case("another election id", client.push())
    client.election_id = None
    case("no election id", client.push())


def empty_device_config(world, case):
    client = Client(world)
    client.arbitrate()
    case("push without device config", client.push(config=b""))


def commit_without_save(world, case):
    client = Client(world)
    client.arbitrate()
    case("commit before any push", client.push("COMMIT", empty=True))
    client.push()
    case("commit with nothing saved", client.push("COMMIT", empty=True))


def pushed_again(world, case):
    client = primary(world)
    client.insert(neighbor(client))
    case("the same config", client.push(cookie=6))
    case("entries after it", client.read(table(client, "neighbor")))
    case("cookie after it", client.pipeline("COOKIE_ONLY"))


def save_and_commit(world, case):
    client = primary(world)
    client.insert(neighbor(client))
    case("save", client.push("VERIFY_AND_SAVE", cookie=7))
    case("get between", client.pipeline("COOKIE_ONLY"))
    case("entries between", client.read(table(client, "neighbor")))
    case("write between", client.insert(neighbor(client)))
    case("read between", client.read(table(client, "neighbor")))
    case("commit", client.push("COMMIT", empty=True))
    case("entries after commit", client.read(table(client, "neighbor")))


def save_and_push(world, case):
    client = primary(world)
    client.push("VERIFY_AND_SAVE")
    case("push instead of commit", client.push())


def reconcile(world, case):
    client = primary(world)
    client.insert(neighbor(client))
    case("reconcile with the same", client.push("RECONCILE_AND_COMMIT"))
    case("entries after it", client.read(table(client, "neighbor")))
    case("push after it", client.push())


def get_from_nobody(world, case):
    primary(world)
    stranger = Client(world)
    case("get without arbitration", stranger.pipeline("COOKIE_ONLY"))
    case("read without arbitration", stranger.read(table(stranger, "neighbor")))
    kind = p4r.Entity()
    case("read of an unset entity", stranger.read(kind))
    case("read of nothing", stranger.read())
