import pytest
from pydantic import BaseModel, ValidationError

from gridbot_tui.strategy.params import LadderParams, Prior, StrategyParams
from gridbot_tui.units import Market


@pytest.mark.parametrize("skew", [0.49, 1.26, 1.75, 2.0, -1.0])
def test_a_skew_that_churns_or_never_unwinds_is_refused(skew: float) -> None:
    with pytest.raises(ValidationError):
        LadderParams(skew=skew)


@pytest.mark.parametrize("skew", [0.5, 1.0, 1.25])
def test_a_skew_within_bounds_is_taken(skew: float) -> None:
    assert LadderParams(skew=skew).skew == skew


def test_a_prior_must_sum_to_one() -> None:
    with pytest.raises(ValidationError, match="must sum to 1"):
        Prior(up=0.5, down=0.5, neutral=0.5)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        StrategyParams.model_validate({"learning": {"rat": 0.1}})


def groups(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for field in model.model_fields.values():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += groups(kind)
    return found


@pytest.mark.parametrize("group", groups(StrategyParams) + groups(LadderParams))
def test_every_parameter_has_a_default_and_says_what_it_is(group: type[BaseModel]) -> None:
    for name, field in group.model_fields.items():
        assert not field.is_required(), name
        assert field.description, name
    assert group() == group()


def test_the_defaults_are_the_papers() -> None:
    params, ladder = StrategyParams(), LadderParams()
    assert params.ensemble.prior_of(Market.FUTURES).triple == (0.30, 0.10, 0.60)
    assert params.ensemble.prior_of(Market.SPOT).triple == (0.35, 0.0, 0.65)
    assert ladder.spacings_of(Market.FUTURES) == (4.0, 2.2, 0.004)
    assert ladder.spacings_of(Market.SPOT) == (8.0, 5.0, 0.02)
    assert params.learning.rate == 0.03
