"""HyperModels as people write them, re-typed small. Each class names where the pattern is from."""

import keras
import keras_tuner
import numpy as np
from keras import layers

KT = keras_tuner.HyperModel
SCE = "sparse_categorical_crossentropy"


class Getting(KT):
    """keras.io 'Getting started with KerasTuner': Sequential without Input, Flatten, loop over hp.Int layers, Boolean dropout."""

    max_params = 60_000

    def build(self, hp):
        model = keras.Sequential()
        model.add(layers.Flatten())
        for i in range(hp.Int("num_layers", 1, 3)):
            model.add(
                layers.Dense(
                    hp.Int(f"units_{i}", min_value=32, max_value=512, step=32),
                    activation=hp.Choice("activation", ["relu", "tanh"]),
                )
            )
        if hp.Boolean("dropout"):
            model.add(layers.Dropout(rate=0.25))
        model.add(layers.Dense(10, activation="softmax"))
        learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
        model.compile(optimizer=keras.optimizers.Adam(learning_rate=learning_rate), loss=SCE, metrics=["accuracy"])
        return model


class GettingInput(KT):
    """the same with an Input, as KT issue 66: units_i depends on num_layers (hp.Int)."""

    max_params = 60_000

    def build(self, hp):
        model = keras.Sequential([keras.Input((28, 28))])
        model.add(layers.Flatten())
        for i in range(hp.Int("num_layers", 1, 3)):
            model.add(layers.Dense(hp.Int(f"units_{i}", min_value=8, max_value=64, step=8), activation="relu"))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile(optimizer="adam", loss=SCE, metrics=["accuracy"])
        return model


class Channels(KT):
    """MNIST convnet of keras.io: Input((28, 28, 1)), float; rescaled by a layer."""

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input(shape=(28, 28, 1)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(hp.Choice("filters", [4, 8]), kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(loss=SCE, optimizer="adam", metrics=["accuracy"])
        return model


class OneHot(KT):
    """categorical_crossentropy; fit turns the labels into one-hot rows."""

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(hp.Int("units", 8, 32, step=8), activation="relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(
            loss="categorical_crossentropy",
            optimizer=hp.Choice("optimizer", ["adam", "sgd", "rmsprop"]),
            metrics=["accuracy"],
        )
        return model

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        if validation_data is not None:
            validation_data = (validation_data[0], keras.utils.to_categorical(validation_data[1], 10))
        return model.fit(x, keras.utils.to_categorical(y, 10), validation_data=validation_data, **kwargs)


class OneHotForgotten(OneHot):
    """categorical_crossentropy and integer labels: what everybody forgets once."""

    fit = KT.fit


class Subclassed(KT):
    """a subclassed keras.Model, built when it is first called."""

    max_params = 3_000

    class Net(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.scale = layers.Rescaling(1 / 255)
            self.flat = layers.Flatten()
            self.hidden = layers.Dense(units, activation="relu")
            self.out = layers.Dense(10, activation="softmax")

        def call(self, x):
            return self.out(self.hidden(self.flat(self.scale(x))))

    def build(self, hp):
        model = self.Net(hp.Int("units", 16, 64, step=16))
        model.compile(optimizer="adam", loss=SCE, metrics=["accuracy"])
        return model


class NoneChoice(KT):
    """hp.Choice with None (KT issue 128)."""

    def build(self, hp):
        reg = hp.Choice("l2", [None, 0.001])
        model = keras.Sequential(
            [keras.Input((28, 28)), layers.Flatten(), layers.Dense(10, activation="softmax", kernel_regularizer=reg)]
        )
        model.compile(optimizer="adam", loss=SCE, metrics=["accuracy"])
        return model


class Logits(KT):
    """TensorFlow's quickstart: Dense(10) without an activation and from_logits=True."""

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(hp.Choice("units", [16, 32]), activation="relu"),
                layers.Dropout(0.2),
                layers.Dense(10),
            ]
        )
        model.compile(
            optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
        )
        return model


class TfData(KT):
    """a tf.data pipeline in fit, batch size tuned there (KT issues 122, 613)."""

    def build(self, hp):
        hp.Choice("batch", [32, 64])
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(hp.Int("filters", 4, 8), 3, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(
            optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 200)),
            loss=SCE,
            metrics=["accuracy"],
        )
        return model

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        import tensorflow as tf

        def pipe(x, y, shuffle):
            ds = tf.data.Dataset.from_tensor_slices((x, y))
            if shuffle:
                ds = ds.shuffle(1000, seed=1)
            ds = ds.map(lambda a, b: (tf.cast(a[..., None], tf.float32) / 255.0, b))
            return ds.batch(hp.get("batch")).prefetch(1)

        return model.fit(pipe(x, y, True), validation_data=pipe(*validation_data, False), **kwargs)


class Augmented(KT):
    """preprocessing layers: Resizing to 32, RandomRotation/Zoom/Translation, GaussianNoise."""

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input((28, 28), dtype="uint8"),
                layers.Reshape((28, 28, 1)),
                layers.Resizing(32, 32),
                layers.Rescaling(1 / 127.5, offset=-1),
                layers.RandomRotation(hp.Float("rotation", 0.0, 0.1, step=0.05)),
                layers.RandomZoom(0.1),
                layers.RandomTranslation(0.1, 0.1),
                layers.GaussianNoise(0.05),
                layers.Conv2D(8, 3, strides=2, activation="relu"),
                layers.BatchNormalization(),
                layers.GlobalMaxPooling2D(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(
            optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.01, 50, 0.9)),
            loss=SCE,
            metrics=[keras.metrics.SparseCategoricalAccuracy(), keras.metrics.SparseTopKCategoricalAccuracy(k=3)],
        )
        return model


class Mixed(KT):
    """mixed_float16 set globally in build."""

    def build(self, hp):
        keras.mixed_precision.set_global_policy(hp.Choice("policy", ["mixed_float16", "float32"]))
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Rescaling(1 / 255),
                layers.Reshape((28, 28, 1)),
                layers.Conv2D(8, 3, activation="relu"),
                layers.BatchNormalization(),
                layers.GlobalAveragePooling2D(),
                layers.Dense(10),
                layers.Activation("softmax", dtype="float32"),
            ]
        )
        model.compile(optimizer="adam", loss=SCE, metrics=["accuracy"])
        return model


class Scale(layers.Layer):
    """An unregistered custom layer."""

    def __init__(self, by=255.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, x):
        return keras.ops.cast(x, "float32") / self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


@keras.saving.register_keras_serializable(package="cases")
class RegisteredScale(Scale):
    """The same custom layer, registered."""


class OwnLayer(KT):
    """a custom layer, not registered."""

    scale = Scale

    def build(self, hp):
        image = keras.Input((28, 28), dtype="uint8")
        x = layers.Flatten()(self.scale()(image))
        x = layers.Dense(hp.Choice("units", [8, 16]), activation="relu")(x)
        model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
        model.compile(optimizer="adam", loss=SCE, metrics=["accuracy"])
        return model


class OwnRegisteredLayer(OwnLayer):
    """a custom layer, registered."""

    scale = RegisteredScale


class OwnCallbacks(KT):
    """fit replaces the callbacks by its own EarlyStopping (a usual slip)."""

    build = Channels.build

    def fit(self, hp, model, *args, **kwargs):
        kwargs["callbacks"] = [keras.callbacks.EarlyStopping(patience=1)]
        return model.fit(*args, **kwargs)


class Required(KT):
    """__init__ with required arguments, as in many tutorials."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.input_shape = input_shape
        self.num_classes = num_classes

    def build(self, hp):
        return None


def build_model(hp):
    """Build a model by a function, the usual form for Keras Tuner."""
    return Channels().build(hp)


class NoAccuracy(KT):
    """compiled without metrics."""

    def build(self, hp):
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Flatten(),
                layers.Dense(hp.Choice("u", [8, 16])),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(optimizer="adam", loss=SCE)
        return model


class TwoOutputs(KT):
    """an auxiliary output (KT issue 464)."""

    def build(self, hp):
        image = keras.Input((28, 28))
        x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
        x = layers.Dense(hp.Choice("u", [8, 16]), activation="relu")(x)
        main = layers.Dense(10, activation="softmax", name="digit")(x)
        aux = layers.Dense(784, activation="sigmoid", name="image")(x)
        model = keras.Model(image, [main, aux])
        model.compile(optimizer="adam", loss={"digit": SCE, "image": "mse"}, metrics={"digit": "accuracy"})
        return model

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        def flat(a):
            return np.asarray(a).reshape(len(a), 784) / 255

        vx, vy = validation_data
        return model.fit(
            x, {"digit": y, "image": flat(x)}, validation_data=(vx, {"digit": vy, "image": flat(vx)}), **kwargs
        )


class OddNames(KT):
    """names with spaces, slashes, markup, unicode; a schedule of one's own; Fixed; log Int; reverse choice."""

    def build(self, hp):
        model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
        model.add(
            layers.Dense(
                hp.Int("dense/größe <b>", 4, 64, sampling="log", step=2),
                activation=hp.Choice("Activation Function", ["relu", "swish", "leaky_relu"]),
            )
        )
        with hp.name_scope("head"):
            model.add(layers.Dropout(hp.Float("rate", 0, 0.5, step=0.1)))
        hp.Fixed("note", "as is")
        rate = hp.Choice("learning_rate", [1e-2, 1e-3])
        if hp.Choice("schedule", ["constant", "exp"]) == "exp":
            rate = keras.optimizers.schedules.ExponentialDecay(rate, 20, hp.Choice("decay", [0.9, 0.5]))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile(
            optimizer=keras.optimizers.SGD(
                rate, momentum=hp.Choice("momentum", [0.0, 0.9]), nesterov=hp.Boolean("nesterov")
            ),
            loss=SCE,
            metrics=["acc"],
        )
        return model


class Usual(keras_tuner.HyperModel):
    """Four choices, one boolean."""

    def build(self, hp):
        hp.Choice("batch_size", [16, 32, 64, 128])
        m = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
        m.add(layers.Dense(hp.Int("units", 8, 32, step=8), activation=hp.Choice("activation", ["relu", "tanh", "elu"])))
        if hp.Boolean("dropout"):
            m.add(layers.Dropout(0.25))
        m.add(layers.Dense(10, activation="softmax"))
        opt = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}[
            hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
        ]
        m.compile(
            opt(hp.Choice("learning_rate", [1e-2, 3e-3, 1e-3, 1e-4])),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return m

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.get("batch_size"), **kwargs)


class Wide(keras_tuner.HyperModel):
    """Six choices of four values."""

    def build(self, hp):
        for i in range(6):
            hp.Choice(f"c{i}", [1, 2, 3, 4])
        m = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10, activation="softmax")])
        m.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return m


class Small(keras_tuner.HyperModel):
    """Two choices."""

    def build(self, hp):
        m = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(hp.Choice("units", [8, 16, 32]), activation="relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        m.compile(
            keras.optimizers.Adam(hp.Choice("lr", [1e-2, 1e-3])),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return m
