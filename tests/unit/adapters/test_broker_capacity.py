from threading import Event

from kontor.adapters.taken_bells import Capacity


def test_outside_work_of_all_queues_shares_the_threads() -> None:
    capacity = Capacity(8, {"mail", "offers"})
    assert capacity.take("mail", 6) == 6
    assert capacity.take("offers", 6) == 2
    assert (capacity.free("mail"), capacity.free("offers")) == (0, 0)


def test_database_work_keeps_two_threads_when_outside_work_has_all_others() -> None:
    capacity = Capacity(8, {"mail"})
    assert capacity.free("money") == 8
    assert capacity.take("mail", 8) == 8
    assert capacity.take("money", 8) == 2


def test_room_is_announced_when_a_bell_is_given_back() -> None:
    capacity, freed = Capacity(1, {"mail"}), Event()
    capacity.listen(freed)
    assert capacity.take("mail", 1) == 1
    capacity.give_back("mail")
    assert freed.is_set()
    assert capacity.free("mail") == 1
