"""What real Keras finds in the files of a job list: keras_files.py JOBS.json. The last line is a JSON list of results.

A job: {"family": "keras" | "tf_keras", "path", "facts", "weights_into": null | path, "train": bool}.
"""

import importlib
import json
import os
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")

import numpy as np


def array(facts):
    return np.asarray(facts["values"], facts["dtype"]).reshape(facts["shape"])


def single(values):
    return values if len(values) > 1 else values[0]


def listed(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def difference(ours, expected):
    return max(float(np.abs(np.asarray(a) - b).max(initial=0)) for a, b in zip(ours, expected, strict=True))


def run(job):
    keras = importlib.import_module(job["family"])
    with open(job["facts"]) as file:
        facts = json.load(file)
    model = keras.models.load_model(job["weights_into"] or job["path"])
    if job["weights_into"]:
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        model.load_weights(job["path"])
    inputs = [array(x) for x in facts["inputs"]]
    result = {"predictions": difference(listed(model.predict(single(inputs), verbose=0)), [array(y) for y in facts["predictions"]])}
    if job["weights_into"] or "optimizer" not in facts:
        return result
    optimizer = model.optimizer
    result["iterations"] = int(np.asarray(optimizer.iterations))
    result["learning_rate"] = float(np.asarray(optimizer.learning_rate))
    targets = [array(y) for y in facts["targets"]]
    if not job["train"]:
        model.evaluate(single(inputs), single(targets), verbose=0)
        return result
    # The slots by value: whatever the framework calls them, every one of the file must be there.
    variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    found = [np.asarray(v) for v in variables]
    slots = [array(slot) for slot in facts["optimizer"]["slots"]]
    result["slots_missing"] = sum(not any(v.shape == s.shape and np.array_equal(v, s) for v in found) for s in slots)
    after = facts["continued"]
    model.run_eagerly = True
    history = model.fit(single(inputs), single(targets), epochs=after["epochs"], batch_size=after["batch_size"], shuffle=False, verbose=0).history
    expected = after["history"]
    result["names"] = sorted(history)
    result["history"] = difference([np.asarray(history[k]) / (1 + np.abs(expected[k])) for k in expected if k in history],
                                   [np.asarray(expected[k]) / (1 + np.abs(expected[k])) for k in expected if k in history])
    result["iterations_after"] = int(np.asarray(optimizer.iterations))
    result["predictions_after"] = difference(listed(model.predict(single(inputs), verbose=0)), [array(y) for y in after["predictions"]])
    return result


results = []
for job in json.load(open(sys.argv[1])):
    try:
        results.append(run(job))
    except Exception as error:
        results.append({"error": f"{type(error).__name__}: {error}"[:2000]})
print(json.dumps(results))
