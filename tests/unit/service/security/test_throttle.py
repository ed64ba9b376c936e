from __future__ import annotations

from service.security.throttle import MOST_ADDRESSES, FailureThrottle


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TestFailureThrottle:
    def test_so_many_a_minute_and_then_a_wait_that_is_true(self):
        clock = Clock()
        throttle = FailureThrottle(10, clock)
        for _ in range(10):
            assert throttle.wait_seconds("192.0.2.1") == 0
            throttle.note_failure("192.0.2.1")
        wait = throttle.wait_seconds("192.0.2.1")
        assert wait == 6
        clock.seconds = wait - 0.1
        assert throttle.wait_seconds("192.0.2.1") > 0
        clock.seconds = wait
        assert throttle.wait_seconds("192.0.2.1") == 0

    def test_addresses_are_counted_apart_and_networks_of_ipv6_together(self):
        throttle = FailureThrottle(1, Clock())
        throttle.note_failure("192.0.2.1")
        throttle.note_failure("2001:db8:1:2::3")
        assert throttle.wait_seconds("192.0.2.2") == 0
        assert throttle.wait_seconds("::ffff:192.0.2.1") > 0
        assert throttle.wait_seconds("2001:db8:1:2:ffff::1") > 0
        assert throttle.wait_seconds("2001:db8:1:3::3") == 0

    def test_its_memory_is_bounded(self):
        throttle = FailureThrottle(1, Clock())
        for number in range(MOST_ADDRESSES + 100):
            throttle.note_failure(f"name-{number}" * 50)
        assert len(throttle) == MOST_ADDRESSES
