"""How numba compiles the parts of a run: into code that is linked into whoever calls it, and into nothing else.

A run is some three hundred functions, of which only the last is ever called from outside. numba makes each of them
ready to be called by itself, with all that it calls in turn: the machine code of the innermost was made dozens of
times over. Here it is made once, of the whole.

This reaches into numba's own rooms, which no version promises to keep: pyproject.toml allows the one it was made for.
"""

from typing import Any, ClassVar

from numba._dynfunc import make_function
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Linked(CPUCodeLibrary):
    """Code that is only ever linked into other code."""

    def _finalize_final_module(self) -> None:
        self._finalized = True


class _Said(Flags):
    """What was asked of the compiler: numba compares it each time that it looks for what a function is, a hundred
    thousand times, and reads each flag by itself."""

    _usual: ClassVar[dict[str, Any]] = {name: option.default for name, option in Flags.options.items()}

    def values(self) -> dict[str, Any]:
        return {**self._usual, **self._values}


class _Types(tuple[Any, ...]):
    """Of the arguments: numba writes them down before each of its passes, hundreds of fields of a record, unasked."""

    def __str__(self) -> str:
        return f"({len(self)} arguments)"


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class _Lowering(NativeLowering):
    """As usual, but that nothing is made ready to be called from outside."""

    _name = "lowering_of_a_part"

    def run_pass(self, state: Any) -> bool:
        state.library = _Linked(state.targetctx.codegen(), state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        state.flags.no_compile = True
        super().run_pass(state)  # type: ignore[no-untyped-call]
        made = state.cr
        sign = make_function(made.fndesc.lookup_module(), made.fndesc.qualname, "", 0, made.env, (state.library,))
        state.targetctx.insert_user_function(sign, made.fndesc, [state.library])  # by it its callers find it
        state.reload_init.extend(state.library._reload_init)
        state.cr = made._replace(cfunc=sign)
        return True


class Part(CompilerBase):
    """Compiles a function that only compiled code calls."""

    def __init__(self, typing: Any, target: Any, library: Any, args: Any, result: Any, flags: Any, given: Any) -> None:
        super().__init__(typing, target, library, _Types(args), result, _Said(flags), given)  # type: ignore[no-untyped-call]

    def define_pipelines(self) -> list[Any]:
        made = DefaultPassBuilder.define_nopython_pipeline(self.state)  # type: ignore[no-untyped-call]
        made.passes = [(_Lowering if each is NativeLowering else each, why) for each, why in made.passes]
        return [made]
