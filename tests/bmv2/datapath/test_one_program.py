"""Several switches run one program: its code is compiled once, its state is each one's own."""


def sequence_number(frame: bytes) -> int:
    return int.from_bytes(frame[38:42], "big")  # Ethernet, IPv4, SPI


def test_each_has_entries_counters_and_sequence_numbers_of_its_own(router):
    make = type(router)
    router, other = (make().set_up(crypto_map=make.CRYPTO_MAP) for _ in range(2))
    router.protect()
    other.protect()
    router.add_sa_out()
    for _ in range(3):
        router.inject(router.outbound())
    assert [sequence_number(frame) for _, frame in router.take_sent()] == [1, 2, 3]

    other.inject(other.outbound())
    assert not other.take_sent()
    other.add_sa_out()
    other.inject(other.outbound())
    assert [sequence_number(frame) for _, frame in other.take_sent()] == [1]

    other.inject(b"short")
    assert other.drops()
    assert not router.drops()


def test_each_has_meters_of_its_own(router):
    other = type(router)()
    for name, meter in router.program.meters.items():
        assert meter is not other.program.meters[name]
    for name, table in router.program.tables.items():
        assert table is not other.program.tables[name]
        assert table.meters is None or table.meters is not other.program.tables[name].meters


def test_a_default_that_one_has_changed_is_not_the_next_ones_first(router):
    router.set_passive_mode(True)
    later = type(router)()
    assert later.table("passive_mode").default == router.table("passive_mode").initial_default
