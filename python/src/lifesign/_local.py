"""What stands for memory of this process, and is of no use in another or twice."""

from typing import NoReturn, SupportsIndex


class Local:
    """Base of engines and of all handles: refuses to be pickled and to be copied, in words that say what to do."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        name = type(self).__name__
        message = (
            f"a {name} stands for memory of this process and cannot be pickled or copied: share the object itself "
            "between threads; another process opens an engine of its own, engine = lifesign.Engine()"
        )
        raise TypeError(message)
