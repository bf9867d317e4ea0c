"""Module: registration, walking the tree, modes, conversion, copying, printing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gradgate
from gradgate import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 3)
        self.scale = nn.Parameter(gradgate.ones(1))
        self.register_buffer("count", gradgate.tensor(0))
        self.register_buffer("cache", gradgate.zeros(2), persistent=False)
        self.out = nn.Linear(3, 1, bias=False)
        self.width = 3

    def forward(self, x):
        return self.out(self.hidden(x).relu()) * self.scale


def names(pairs):
    return [name for name, _ in pairs]


def test_registration_by_assignment():
    net = Net()
    assert names(net.named_parameters()) == ["scale", "hidden.weight", "hidden.bias", "out.weight"]
    assert names(net.named_buffers()) == ["count", "cache"]
    assert names(net.named_children()) == ["hidden", "out"]
    assert names(net.named_modules()) == ["", "hidden", "out"]
    assert names(net.named_parameters(prefix="net", recurse=False)) == ["net.scale"]
    assert next(net.parameters()) is net.scale
    assert list(net.modules()) == [net, net.hidden, net.out]
    assert list(net.children()) == [net.hidden, net.out]
    assert net.width == 3
    assert [tuple(b.shape) for b in net.buffers()] == [(), (2,)]


def test_reassignment_changes_the_registration():
    net = Net()
    new = nn.Parameter(gradgate.zeros(1))
    net.scale = new
    assert next(net.parameters()) is new
    net.scale = None
    assert "scale" not in dict(net.named_parameters())
    net.scale = new
    assert names(net.named_parameters())[0] == "scale"
    net.count = gradgate.tensor(5)
    assert dict(net.named_buffers())["count"].item() == 5
    net.hidden = nn.Identity()
    assert isinstance(dict(net.named_children())["hidden"], nn.Identity)
    net.out = nn.Parameter(gradgate.zeros(2))
    assert names(net.named_children()) == ["hidden"]


def test_deletion():
    net = Net()
    del net.hidden, net.scale, net.count, net.width
    assert names(net.named_parameters()) == ["out.weight"]
    assert names(net.named_buffers()) == ["cache"]
    assert not hasattr(net, "hidden")
    with pytest.raises(AttributeError, match="hidden"):
        del net.hidden


def test_values_that_do_not_fit_a_registered_name():
    net = Net()
    with pytest.raises(TypeError, match=r"as parameter 'scale' of Net; use None or a gradgate\.nn\.Parameter"):
        net.scale = gradgate.ones(1)
    with pytest.raises(TypeError, match="as buffer 'count'"):
        net.count = 3
    with pytest.raises(TypeError, match="as module 'hidden'"):
        net.hidden = lambda x: x
    with pytest.raises(TypeError, match="a Identity as parameter 'scale'"):
        net.scale = nn.Identity()
    with pytest.raises(TypeError, match="a Buffer as module 'hidden'"):
        net.hidden = nn.Buffer(gradgate.zeros(1))
    assert names(net.named_children()) == ["hidden", "out"]
    net.count = nn.Identity()  # a buffer gives way
    assert "count" not in dict(net.named_buffers())


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (nn.Identity(), "module"),
        (nn.Parameter(gradgate.zeros(1)), "parameter"),
        (nn.Buffer(gradgate.zeros(1)), "buffer"),
    ],
)
def test_assignment_before_init(value, kind):
    class Early(nn.Module):
        def __init__(self):
            self.member = value

    with pytest.raises(AttributeError, match=rf"cannot assign {kind} 'member' before Module.__init__\(\) call"):
        Early()


def test_registration_by_name():
    module = nn.Module()
    module.register_parameter("w", nn.Parameter(gradgate.zeros(1)))
    module.register_parameter("none", None)
    module.add_module("child", nn.Identity())
    module.register_module("second", nn.Identity())
    assert names(module.named_parameters()) == ["w"]
    assert module.none is None
    assert names(module.named_children()) == ["child", "second"]
    with pytest.raises(TypeError, match=r"gradgate\.nn\.Parameter or None"):
        module.register_parameter("v", gradgate.zeros(1))
    with pytest.raises(TypeError, match="as buffer 'b'"):
        module.register_buffer("b", 3)
    with pytest.raises(TypeError, match="is not a Module"):
        module.add_module("m", gradgate.zeros(1))
    with pytest.raises(KeyError, match=r'contain "\."'):
        module.register_buffer("a.b", None)
    with pytest.raises(KeyError, match="empty string"):
        module.register_parameter("", None)
    with pytest.raises(KeyError, match="'forward' already exists"):
        module.add_module("forward", nn.Identity())


REGISTER = {
    "parameter": lambda m: m.register_parameter("x", nn.Parameter(gradgate.ones(1))),
    "buffer": lambda m: m.register_buffer("x", gradgate.ones(1)),
    "non-persistent buffer": lambda m: m.register_buffer("x", gradgate.ones(1), persistent=False),
    "module": lambda m: m.add_module("x", nn.Identity()),
}


@pytest.mark.parametrize("second", REGISTER)
@pytest.mark.parametrize("first", REGISTER)
def test_a_name_keeps_its_kind_of_member(first, second):
    module = nn.Module()
    REGISTER[first](module)
    member = module.x
    if first.split()[-1] == second.split()[-1]:
        REGISTER[second](module)
        assert module.x is not member
    else:
        with pytest.raises(KeyError, match=f"attribute 'x' already exists as a {first}; delete it first"):
            REGISTER[second](module)
        assert module.x is member
        del module.x
        REGISTER[second](module)


def test_a_place_without_a_value_is_taken_too():
    module = nn.Module()
    module.register_parameter("x", None)
    with pytest.raises(KeyError, match="already exists as a parameter"):
        module.register_buffer("x", gradgate.ones(1))


def test_buffer_says_whether_it_is_persistent():
    module = nn.Module()
    module.kept = nn.Buffer(gradgate.ones(1))
    module.left_out = nn.Buffer(gradgate.ones(1), persistent=False)
    assert list(module.state_dict()) == ["kept"]
    assert names(module.named_buffers()) == ["kept", "left_out"]


def test_parameter_shares_memory_and_is_a_leaf():
    data = gradgate.zeros(2, 2)
    parameter = nn.Parameter(data)
    with gradgate.no_grad():
        parameter[0, 0] = 5.0
    assert data[0, 0].item() == 5.0
    computed = nn.Parameter(gradgate.ones(2, requires_grad=True) * 2.0)
    assert computed.is_leaf
    assert computed.requires_grad
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert isinstance(parameter, gradgate.Tensor)
    assert not isinstance(parameter * 2.0, nn.Parameter)
    assert repr(nn.Parameter(gradgate.tensor([1.0]))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    with pytest.raises(TypeError, match=r"gradgate\.tensor\(data\)"):
        nn.Parameter([1.0, 2.0])


def test_shared_members_are_listed_once():
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    assert names(net.named_parameters()) == ["0.weight", "0.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert len(list(net.modules())) == 3
    assert names(net.named_children()) == ["0", "1"]
    net[1].own = shared.weight
    assert len(list(net.parameters())) == 2
    assert len(net.state_dict()) == 5


def test_get_members_by_dotted_name():
    net = nn.Sequential(Net())
    assert net.get_submodule("0.hidden") is net[0].hidden
    assert net.get_submodule("") is net
    assert net.get_parameter("0.hidden.weight") is net[0].hidden.weight
    assert net.get_buffer("0.count") is net[0].count
    with pytest.raises(AttributeError, match="Net has no submodule 'nothing'"):
        net.get_submodule("0.nothing")
    with pytest.raises(AttributeError, match="Net has no parameter 'count'"):
        net.get_parameter("0.count")
    with pytest.raises(AttributeError, match="Net has no buffer 'scale'"):
        net.get_buffer("0.scale")
    with pytest.raises(AttributeError, match="Linear has no parameter 'bias'"):
        nn.Linear(2, 2, bias=False).get_parameter("bias")


def test_modules_may_be_listed_as_often_as_they_appear():
    relu = nn.ReLU()
    net = nn.Sequential(relu, relu)
    assert list(net.modules()) == [net, relu]
    assert list(net.modules(remove_duplicate=False)) == [net, relu, relu]


def test_apply_goes_children_first():
    order = []
    net = Net()
    assert net.apply(lambda module: order.append(type(module).__name__)) is net
    assert order == ["Linear", "Linear", "Net"]


def test_train_and_eval():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(ValueError, match="expected to be boolean"):
        net.train("yes")


def test_requires_grad_and_zero_grad():
    net = Net()
    net(gradgate.ones(4, 2)).sum().backward()
    gradient = net.hidden.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.hidden.weight.grad is gradient
    assert gradient.abs().sum().item() == 0.0
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_conversion_keeps_the_objects():
    net = Net()
    net(gradgate.ones(4, 2)).sum().backward()
    before = list(net.parameters())
    values = [p.detach().numpy().copy() for p in before]
    gradients = [p.grad.numpy().copy() for p in before]
    assert net.double() is net
    for new, old, value, gradient in zip(net.parameters(), before, values, gradients, strict=True):
        assert new is old
        assert new.dtype == new.grad.dtype == gradgate.float64
        assert new.requires_grad
        assert new.is_leaf
        np.testing.assert_array_equal(new.detach().numpy(), value)
        np.testing.assert_array_equal(new.grad.numpy(), gradient)
    assert net.count.dtype == gradgate.int64
    assert net.cache.dtype == gradgate.float64
    assert net(gradgate.ones(1, 2, dtype=gradgate.float64)).dtype == gradgate.float64
    assert net.float().scale.dtype == gradgate.float32
    assert net.to(gradgate.zeros(1, dtype=gradgate.float64)).scale.dtype == gradgate.float64
    assert net.to(dtype=gradgate.float32).scale.dtype == gradgate.float32
    assert net.to("cpu").cpu().scale.dtype == gradgate.float32
    assert net.type(gradgate.float64).scale.dtype == gradgate.float64
    with pytest.raises(TypeError, match="only accepts floating-point dtypes"):
        net.to(gradgate.int64)
    with pytest.raises(RuntimeError, match="only the device 'cpu' exists"):
        net.to("cuda")


def test_parameters_and_gradients_can_be_flattened():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.LayerNorm(2))
    for model in (net, copy.deepcopy(net), net.double()):
        model(gradgate.ones(5, 3, dtype=model[0].weight.dtype)).sum().backward()
        for values in (list(model.parameters()), [p.grad for p in model.parameters()]):
            flat = gradgate.cat([v.view(-1) for v in values])
            assert flat.tolist() == [x for v in values for x in v.detach().numpy().ravel().tolist()]
        assert model[0].weight.data.view(-1).shape == (12,)
        model.zero_grad()
    net.load_state_dict({name: gradgate.ones(*reversed(value.shape)).t() for name, value in net.state_dict().items()})
    assert net[0].weight.is_contiguous()


def test_deepcopy_is_independent():
    net = nn.Sequential(Net(), nn.BatchNorm1d(1))
    net[0].tied = net[0].hidden.weight
    twin = copy.deepcopy(net)
    assert twin.state_dict().keys() == net.state_dict().keys()
    assert twin[0].tied is twin[0].hidden.weight
    assert isinstance(twin[0].scale, nn.Parameter)
    assert twin[0].scale.requires_grad
    x = gradgate.ones(4, 2)
    assert twin(x).tolist() == net(x).tolist()
    with gradgate.no_grad():
        net[0].hidden.weight.fill_(9.0)
        net[1].running_mean.fill_(9.0)
    assert twin[0].hidden.weight.max().item() < 9.0
    assert twin[1].running_mean.max().item() < 9.0
    twin[0].extra = nn.Parameter(gradgate.zeros(1))
    assert "extra" not in dict(net[0].named_parameters())


def test_a_shallow_copy_registers_for_itself():
    net = Net()
    twin = copy.copy(net)
    assert twin.hidden is net.hidden
    twin.extra = nn.Identity()
    del twin.scale
    assert names(net.named_children()) == ["hidden", "out"]
    assert "scale" in dict(net.named_parameters())
    assert names(twin.named_children()) == ["hidden", "out", "extra"]


def test_pickle_keeps_the_types():
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3))
    net[0].kept = nn.Buffer(gradgate.ones(1), persistent=False)
    twin = pickle.loads(pickle.dumps(net))
    assert isinstance(twin[0].weight, nn.Parameter)
    assert twin[0].weight.requires_grad
    assert isinstance(twin[0].kept, nn.Buffer)
    assert not twin[0].kept.persistent
    assert twin(gradgate.ones(2, 2)).tolist() == net(gradgate.ones(2, 2)).tolist()


def test_forward_is_required():
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)


def test_keyword_arguments_reach_forward():
    class Add(nn.Module):
        def forward(self, x, *, y=0):
            return x + y

    assert Add()(2, y=3) == 5


def test_dir_lists_members_but_no_numbers():
    listed = dir(nn.Sequential(nn.ReLU()))
    assert "parameters" in listed
    assert "training" in listed
    assert "0" not in listed
    assert "hidden" in dir(Net())


def test_missing_attribute():
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        _ = Net().nothing


def test_repr_is_a_tree():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(1, 2)
            self.b = nn.Sequential(nn.ReLU(), nn.Dropout(0.25))

        def extra_repr(self):
            return "depth=2"

    assert repr(Named()) == (
        "Named(\n"
        "  depth=2\n"
        "  (a): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (b): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(p=0.25, inplace=False)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Module()) == "Module()"
