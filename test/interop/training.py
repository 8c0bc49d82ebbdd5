"""Both directions of resumed training, with fresh seeds.

make FOLDER SEED [legacy]   models by real Keras 3 (or tf-keras, `legacy`), trained for two epochs and saved; what the live model does in the
                   next two epochs is written beside each file as NAME.json
check FOLDER [legacy]   continues every NAME.back.keras (tf-keras: NAME.back.h5), written by Rekindle from NAME at the
                   same point, in the real framework and compares with NAME.json
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

LEGACY = "legacy" in sys.argv
if LEGACY:
    import tf_keras as keras
else:
    import keras

ROWS, BATCH, EPOCHS = 40, 8, 2

# Without threshold, which needs arguments, and glu, which halves its axis while Dense announces the whole one.
ACTIVATIONS = (
    "relu relu6 leaky_relu softmax celu elu log_softmax selu softplus softsign squareplus soft_shrink sparse_plus silu "
    "gelu tanh tanh_shrink sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu hard_tanh "
    "hard_shrink linear mish log_sigmoid sparsemax"
).split()
LEGACY_ACTIVATIONS = "relu elu selu softplus softsign swish gelu tanh sigmoid exponential hard_sigmoid linear mish".split()

O = keras.optimizers
OPTIMIZERS = {
    "sgd": lambda: O.SGD(0.05),
    "momentum": lambda: O.SGD(0.05, momentum=0.9),
    "nesterov": lambda: O.SGD(0.02, momentum=0.8, nesterov=True),
    "rmsprop": lambda: O.RMSprop(0.005),
    "rmsprop-momentum": lambda: O.RMSprop(0.002, momentum=0.5, rho=0.8),
    "rmsprop-centered": lambda: O.RMSprop(0.002, centered=True, momentum=0.3),
    "adagrad": lambda: O.Adagrad(0.05),
    "adam": lambda: O.Adam(0.01),
    "amsgrad": lambda: O.Adam(0.01, amsgrad=True, beta_1=0.8),
    "clipnorm": lambda: O.Adam(0.01, clipnorm=0.1),
    "global-clipnorm": lambda: O.SGD(0.1, momentum=0.5, global_clipnorm=0.2),
    "clipvalue": lambda: O.RMSprop(0.01, clipvalue=0.02),
    "decay": lambda: O.Adam(0.01, weight_decay=0.02),
}
if LEGACY:
    L = keras.optimizers.legacy
    OPTIMIZERS.update(
        {
            "old-sgd": lambda: L.SGD(0.05, momentum=0.9, decay=0.01),
            "old-rmsprop": lambda: L.RMSprop(0.005),
            "old-adagrad": lambda: L.Adagrad(0.05),
            "old-adam": lambda: L.Adam(0.01, amsgrad=True),
        }
    )

# Weight decay has no spelling in Keras 2; without momentum, RMSprop and Adagrad are other formulas there.
NOT_IN_KERAS_2 = ("decay", "rmsprop", "adagrad", "clipvalue", "rmsprop-centered")

TASKS = {
    "sparse": dict(units=4, activation="softmax", loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
    "categorical": dict(
        units=4, activation="softmax", loss=lambda: keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["acc", "categorical_accuracy"],
    ),
    "binary": dict(units=1, activation="sigmoid", loss="binary_crossentropy", metrics=["accuracy"]),
    "logits": dict(units=1, activation=None, loss=lambda: keras.losses.BinaryCrossentropy(from_logits=True), metrics=[]),
    "mse": dict(units=2, activation=None, loss="mean_squared_error", metrics=["mean_absolute_error"]),
    "mae": dict(units=2, activation="tanh", loss="mean_absolute_error", metrics=["mean_squared_error"]),
    "hinge": dict(units=1, activation="tanh", loss="hinge", metrics=[]),
    "squared-hinge": dict(units=1, activation="tanh", loss="squared_hinge", metrics=[]),
    "categorical-hinge": dict(units=4, activation="softmax", loss="categorical_hinge", metrics=[]),
}


def targets(task, random):
    spec = TASKS[task]
    classes = random.integers(0, 4, ROWS)
    if task == "sparse":
        return classes.astype("int64")
    if task in ("categorical", "categorical-hinge"):
        return np.eye(4, dtype="float32")[classes]
    if task in ("binary", "logits"):
        return (classes % 2).astype("float32")[:, None]
    if "hinge" in task:
        return (classes % 2 * 2 - 1).astype("float32")[:, None]
    return random.normal(size=(ROWS, spec["units"])).astype("float32")


def build(task, activation, random):
    spec = TASKS[task]
    l = keras.layers
    regularizer = [None, "l2", keras.regularizers.L1(0.003)][random.integers(3)]
    constraint = [None, "non_neg", keras.constraints.MaxNorm(1.5), "unit_norm"][random.integers(4)]
    layers = [
        l.Dense(6, activation=activation, kernel_initializer="he_normal", kernel_regularizer=regularizer, name="first"),
        l.Dropout(0.0),
        l.Dense(5, kernel_constraint=constraint, bias_initializer="ones", use_bias=bool(random.integers(2))),
        l.Activation("tanh"),
        l.Dense(spec["units"], activation=spec["activation"], name="last"),
    ]
    if random.integers(2):
        return keras.Sequential([keras.Input((3, 2)), l.Flatten(), *layers]), (3, 2)
    x = entrance = keras.Input((6,), name="entrance")
    for layer in [l.Reshape((2, -1)), l.Flatten(), *layers]:
        x = layer(x)
    return keras.Model(entrance, x), (6,)


def nested(model, x):
    return [np.asarray(v, "float64").tolist() for v in ([model.predict(x, verbose=0)])][0]


def make(folder, seed):
    random = np.random.default_rng(seed)
    activations = LEGACY_ACTIVATIONS if LEGACY else ACTIVATIONS
    cases = [(task, optimizer) for task, optimizer in zip(np.resize(list(TASKS), len(OPTIMIZERS)), OPTIMIZERS)]
    cases += [(task, "adam") for task in TASKS]
    order = random.permutation(activations)
    cases = [(t, o, a) for (t, o), a in zip(cases, np.resize(order, len(cases)))]
    used = {a for _, _, a in cases}
    cases += [("mse", "sgd", a) for a in activations if a not in used]
    for number, (task, optimizer, activation) in enumerate(cases):
        keras.utils.set_random_seed(int(random.integers(2**31)))
        name = f"{'tfk' if LEGACY else 'k3'}-{number:02d}-{task}-{optimizer}-{activation}"
        model, shape = build(task, str(activation), random)
        loss = TASKS[task]["loss"]
        model.compile(OPTIMIZERS[optimizer](), loss() if callable(loss) else loss, metrics=TASKS[task]["metrics"])
        x = random.normal(size=(ROWS, *shape)).astype("float32")
        y = targets(task, random)
        settings = dict(batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
        model.fit(x, y, **settings)
        files = [f"{name}.keras"]
        model.save(os.path.join(folder, files[0]))
        if optimizer.startswith("old-"):
            files = []  # tf-keras keeps no state of legacy optimizers in it
        before = nested(model, x)
        if number % 2 == 0 or LEGACY:
            # Saving .h5 changes the compile config of the live model: after the .keras, and the model itself goes on.
            try:
                model.save(os.path.join(folder, f"{name}.h5"))
                files.append(f"{name}.h5")
            except Exception as error:
                print(f"{name}: Keras cannot save .h5: {error}", file=sys.stderr)
        history = model.fit(x, y, **settings).history
        facts = dict(
            name=name, files=files, before=before, history=history, after=nested(model, x), batch=BATCH, epochs=EPOCHS,
            iterations=int(np.asarray(model.optimizer.iterations)),
            # Keras 3 has no `decay`, and its RMSprop and Adagrad are not those of the legacy optimizers.
            # Nor is its hard_sigmoid theirs.
            keras_3=(not optimizer.startswith("old-") or optimizer == "old-adam")
            and not (LEGACY and activation == "hard_sigmoid"),
            # What tf-keras takes: functions of its own, and the optimizers whose legacy formula is that of Keras 3.
            tf_keras=activation in LEGACY_ACTIVATIONS and (LEGACY or activation != "hard_sigmoid") and optimizer not in NOT_IN_KERAS_2,
        )
        np.save(os.path.join(folder, f"{name}.x.npy"), x)
        np.save(os.path.join(folder, f"{name}.y.npy"), y)
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump(facts, file)
    print(len(cases))


def check(folder):
    """Keras 3 opens and continues NAME.back.keras, and opens NAME.back.h5; tf-keras (`legacy`) continues NAME.back.h5."""
    problems, count = [], 0
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(".json"):
            continue
        facts = json.load(open(os.path.join(folder, entry)))
        if not (facts["tf_keras"] if LEGACY else facts["keras_3"]):
            continue
        name = facts["name"]
        count += 1
        try:
            x, y = (np.load(os.path.join(folder, f"{name}.{part}.npy")) for part in "xy")
            for ending in [".h5"] if LEGACY else [".h5", ".keras"]:
                model = keras.models.load_model(os.path.join(folder, f"{name}.back{ending}"))
                np.testing.assert_allclose(model.predict(x, verbose=0), facts["before"], rtol=2e-5, atol=2e-5)
                steps = facts["iterations"]
                half = int(np.asarray(model.optimizer.iterations))
                assert half * 2 == steps, f"{ending}: iterations {half}, expected {steps // 2}"
            settings = dict(batch_size=facts["batch"], epochs=facts["epochs"], shuffle=False, verbose=0)
            history = model.fit(x, y, **settings).history
            for key, values in history.items():
                np.testing.assert_allclose(values, facts["history"][key], rtol=5e-4, atol=1e-6, err_msg=key)
            np.testing.assert_allclose(model.predict(x, verbose=0), facts["after"], rtol=1e-3, atol=1e-4)
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
    print(json.dumps({"count": count, "problems": problems}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        check(sys.argv[2])
