"""Sequential, ModuleList, ModuleDict and ParameterList."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import gradgate
from gradgate import nn


class Add(nn.Module):
    def __init__(self, term):
        super().__init__()
        self.term = term

    def forward(self, x):
        return x + self.term

    def extra_repr(self):
        return str(self.term)


def terms(modules):
    return [module.term for module in modules]


def keys(module):
    return [name for name, _ in module.named_children()]


def test_sequential_calls_in_order():
    assert nn.Sequential(Add("b"), Add("c"))("a") == "abc"
    assert nn.Sequential()("a") == "a"


def test_sequential_by_name():
    net = nn.Sequential(OrderedDict(first=Add("1"), second=Add("2")))
    assert net("") == "12"
    assert net.first.term == "1"
    assert net[1] is net.second
    assert keys(net[1:]) == ["second"]


def test_sequential_as_a_list():
    net = nn.Sequential(*(Add(c) for c in "abc"))
    assert len(net) == 3
    assert net[-1].term == "c"
    assert terms(net[::2]) == ["a", "c"]
    assert net.append(Add("d")) is net
    net.extend([Add("e")])
    net.insert(0, Add("_"))
    assert net("") == "_abcde"
    assert keys(net) == [*"012345"]
    assert net.pop().term == "e"
    del net[0]
    assert net("") == "abcd"
    assert keys(net) == [*"0123"]
    del net[1:3]
    assert net("") == "ad"
    net[1] = Add("z")
    assert net("") == "az"
    assert (net + nn.Sequential(Add("!")))("") == "az!"
    with pytest.raises(IndexError, match="index 5 is out of range for 2 items"):
        net[5]
    with pytest.raises(TypeError):
        net[0] = "no module"
    assert net("") == "az"


def test_inserting_into_a_sequential():
    net = nn.Sequential(Add("a"), Add("b"))
    assert net.insert(2, Add("c")) is net
    assert net.insert(-3, Add("_")).insert(-1, Add("^"))("") == "_ab^c"
    for index in (6, -6):
        with pytest.raises(IndexError, match=f"index {index} is out of range for 5 modules"):
            net.insert(index, Add("?"))
    assert nn.ModuleList([Add("a")]).insert(0, Add("b")) is None


@pytest.mark.parametrize("container", [nn.Sequential, lambda *modules: nn.ModuleList(modules)])
def test_what_is_no_module_is_refused_and_changes_nothing(container):
    net = container(Add("a"), Add("b"))
    with pytest.raises(TypeError, match="str is not a Module"):
        net.insert(1, "c")
    assert terms(net) == ["a", "b"]


def test_pop_takes_a_slice():
    net = nn.Sequential(*(Add(c) for c in "abcd"))
    removed = net.pop(slice(1, 3))
    assert (type(removed), removed(""), net("")) == (nn.Sequential, "bc", "ad")
    assert keys(net) == ["0", "1"]


def test_sequential_arithmetic():
    net = nn.Sequential(Add("a"), Add("b"))
    same = net
    net *= 2
    assert net is same
    assert net("") == "abab"
    assert (nn.Sequential(Add("a")) * 3)("") == "aaa"
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"multiplied by 1 or more, got {count}"):
            net * count
    with pytest.raises(TypeError, match="multiplied by an int, got float"):
        net * 2.0
    with pytest.raises(ValueError, match="only a Sequential can be added to a Sequential, got list"):
        net.__add__([Add("c")])
    assert net("") == "abab"


def test_a_sequential_subclass_may_have_parameters():
    class Scaled(nn.Sequential):
        def __init__(self, *modules):
            super().__init__(*modules)
            self.scale = nn.Parameter(gradgate.ones(1))

    net = Scaled(Add(1))
    assert net(1) == 2
    assert len(net) == 1


def test_module_list():
    modules = nn.ModuleList([Add(1), Add(2)])
    longer = [Add(3)]
    assert terms(modules + longer) == [1, 2, 3]
    assert terms(modules[:1]) == [1]
    assert isinstance(modules[:1], nn.ModuleList)
    assert Add(1) not in modules
    assert modules[0] in modules
    with pytest.raises(NotImplementedError):
        modules(1)
    with pytest.raises(TypeError, match="is not a Module"):
        modules.append(3)


def test_module_list_prints_runs_once():
    modules = nn.ModuleList([Add(1), Add(1), Add(2)])
    assert repr(modules) == "ModuleList(\n  (0-1): 2 x Add(1)\n  (2): Add(2)\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict():
    modules = nn.ModuleDict({"a": Add(1), "b": Add(2)})
    modules["c"] = Add(3)
    modules.update([("a", Add(10))])
    assert list(modules) == ["a", "b", "c"] == list(modules.keys())
    assert terms(modules.values()) == [10, 2, 3]
    assert [key for key, _ in modules.items()] == ["a", "b", "c"]
    assert "b" in modules
    assert "training" not in modules
    assert len(modules) == 3
    assert modules.pop("b").term == 2
    del modules["a"]
    assert keys(modules) == ["c"]
    modules.clear()
    assert len(modules) == 0
    with pytest.raises(KeyError, match="nothing"):
        modules["nothing"]
    with pytest.raises(KeyError, match="nothing"):
        del modules["nothing"]
    with pytest.raises(KeyError, match="already exists"):
        modules["forward"] = Add(1)


def test_parameter_list():
    weights = nn.ParameterList([gradgate.zeros(2)])
    own = nn.Parameter(gradgate.zeros(3))
    weights.append(own)
    assert weights[1] is own
    assert weights[-1] is own
    assert len(weights) == 2
    assert all(isinstance(weight, nn.Parameter) for weight in weights)
    weights[0] = gradgate.ones(2)
    assert weights[0].tolist() == [1.0, 1.0]
    assert list(weights.state_dict()) == ["0", "1"]
    with pytest.raises(IndexError, match="out of range for 2 items"):
        weights[2]
    rest = weights[1:]
    assert isinstance(rest, nn.ParameterList)
    assert list(rest) == [own]
    weights += [gradgate.zeros(2, 3)]
    assert repr(weights) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [gradgate.float32 of size 2]\n"
        "    (1): Parameter containing: [gradgate.float32 of size 3]\n"
        "    (2): Parameter containing: [gradgate.float32 of size 2x3]\n)"
    )


def test_lists_grow_in_place_and_repeat():
    net = nn.Sequential(Add(1))
    same = net
    net += [Add(2)]
    assert net is same
    assert len(net) == 2
    assert terms(net * 2) == terms(2 * net) == [1, 2, 1, 2]
    assert (net * 2)[0] is net[0]
    modules = nn.ModuleList()
    modules += net
    assert list(modules) == list(net)


def test_module_dict_of_a_module_dict_or_pairs():
    first = nn.ModuleDict([("a", Add(1))])
    second = nn.ModuleDict(first)
    second.update(nn.ModuleDict({"b": Add(2)}))
    assert list(second) == ["a", "b"]
    assert second["a"] is first["a"]
