"""Several controllers, and roles (specification §5)."""

from finsy.proto import p4r

from tests.conformance.p4runtime.client import Client, primary
from tests.conformance.p4runtime.requests import insertion, neighbor, table


def alone(world, case):
    client = Client(world)
    case("write before arbitration", client.insert(neighbor(client)))
    case("first", client.arbitrate())
    case("the same again", client.arbitrate())
    case("a lower id", client.arbitrate(election_id=0))
    case("a higher id", client.arbitrate(election_id=9))


def wrong_device(world, case):
    client = Client(world)
    case("another device", client.arbitrate(device_id=99))


def device_changes(world, case):
    client = Client(world)
    client.arbitrate()
    case("another device later", client.arbitrate(device_id=99))


def two(world, case):
    old = primary(world)
    new = Client(world, election_id=5)
    case("higher id", new.arbitrate())
    case("the old primary is told", old.messages())
    case("write of the old one", old.insert(neighbor(old)))
    case("write of the new one", new.insert(neighbor(new)))
    case("read of a backup", old.read(table(old, "neighbor")))
    case("push of a backup", old.push())
    twin = Client(world, election_id=5)
    case("an id that is taken", twin.arbitrate())
    case("nobody else is told", [old.messages(), new.messages()])
    lower = Client(world, election_id=3)
    case("an id between", lower.arbitrate())
    case("nobody else is told of it", [old.messages(), new.messages()])


def primary_leaves(world, case):
    one = primary(world)
    two, three = Client(world, election_id=2), Client(world, election_id=3)
    two.arbitrate()
    three.arbitrate()
    one.messages()
    two.messages()
    three.close()
    case("the next highest is told", two.messages())
    case("the lowest is told", one.messages())
    case("write of the next highest", two.insert(neighbor(two)))
    case("write of the lowest", one.insert(neighbor(one)))
    two.close()
    case("the last one is told", one.messages())
    case("write of the last one", one.delete(neighbor(one)))
    one.close()
    late = Client(world, election_id=2)
    case("an id below the highest that was", late.arbitrate())


def primary_steps_down(world, case):
    one = primary(world)
    two = Client(world, election_id=2)
    two.arbitrate()
    one.messages()
    case("to an id below the backup's", two.arbitrate(election_id=0))
    case("the backup is told", one.messages())
    case("write of the former backup", one.insert(neighbor(one)))


def backup_leaves(world, case):
    one = primary(world)
    zero = Client(world, election_id=0)
    case("id 0", zero.arbitrate())
    zero.close()
    case("nobody is told", one.messages())


def no_election_id(world, case):
    client = Client(world, election_id=None)
    case("alone", client.arbitrate())
    case("write without id", client.insert(neighbor(client)))


def no_election_id_as_backup(world, case):
    primary(world)
    client = Client(world, election_id=None)
    case("beside a primary", client.arbitrate())


def writes(world, case):
    client = primary(world)
    update = insertion(neighbor(client))
    case("another device", client.write(update, device_id=3))
    client.election_id = 2
    case("another election id", client.write(update))
    client.election_id = None
    case("no election id", client.write(update))


def roles(world, case):
    client = primary(world)
    update = insertion(neighbor(client))
    case("write with a role that nobody has", client.write(update, role="nobody"))
    client.delete(neighbor(client))
    other = Client(world, election_id=9)
    case("arbitration with a role", other.arbitrate(role="r"))
    case("the primary without role is told", client.messages())
    case("write with the role", other.write(update, role="r"))
    case("write without role", client.write(update))


def numeric_role(world, case):
    client = Client(world)
    message = p4r.StreamMessageRequest()
    message.arbitration.device_id = 1
    message.arbitration.election_id.low = 1
    message.arbitration.role.id = 4
    case("arbitration with a role id", client.stream(message))


def sixteen(world, case):
    clients = [Client(world, election_id=number) for number in range(17)]
    answers = [client.arbitrate() for client in clients]
    case("the sixteenth", answers[15])
    case("the seventeenth", answers[16])
