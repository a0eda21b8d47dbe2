# What type checkers and editors see of the names that `__init__.py` loads on first use.

from lookalike.api import (
    export as export,
)
from lookalike.api import (
    fit as fit,
)
from lookalike.api import (
    kinds as kinds,
)
from lookalike.api import (
    load as load,
)
from lookalike.api import (
    mimic as mimic,
)
from lookalike.api import (
    new as new,
)
from lookalike.api import (
    plan as plan,
)
from lookalike.api import (
    preview as preview,
)
from lookalike.api import (
    read as read,
)
from lookalike.api import (
    run as run,
)
from lookalike.api import (
    sample as sample,
)
from lookalike.api import (
    tune as tune,
)
from lookalike.api import (
    verify as verify,
)
from lookalike.errors import LookalikeError as LookalikeError
from lookalike.evaluate.base import Metric as Metric
from lookalike.evaluate.evaluate import evaluate as evaluate
from lookalike.evaluate.report import Report as Report
from lookalike.generators.base import Batch as Batch
from lookalike.generators.base import Context as Context
from lookalike.generators.base import Generator as Generator
from lookalike.generators.base import ModelColumn as ModelColumn
from lookalike.models.base import Model as Model
from lookalike.recipe.model import Recipe as Recipe
from lookalike.recipe.model import Table as Table
from lookalike.run.folder import RunFolder as RunFolder
from lookalike.steps.base import Step as Step
from lookalike.synthesizers.adasyn import Adasyn as Adasyn
from lookalike.synthesizers.aim import Aim as Aim
from lookalike.synthesizers.arf import Arf as Arf
from lookalike.synthesizers.auto import Auto as Auto
from lookalike.synthesizers.autoregressive import Autoregressive as Autoregressive
from lookalike.synthesizers.base import Synthesizer as Synthesizer
from lookalike.synthesizers.bayes_net import BayesNet as BayesNet
from lookalike.synthesizers.cart import Cart as Cart
from lookalike.synthesizers.constrained import Constrained as Constrained
from lookalike.synthesizers.copula import Copula as Copula
from lookalike.synthesizers.ctgan import Ctgan as Ctgan
from lookalike.synthesizers.diffusion import Diffusion as Diffusion
from lookalike.synthesizers.fair import Fair as Fair
from lookalike.synthesizers.forest.model import Forest as Forest
from lookalike.synthesizers.impute import impute as impute
from lookalike.synthesizers.independent import Independent as Independent
from lookalike.synthesizers.mst import Mst as Mst
from lookalike.synthesizers.smote import Smote as Smote
from lookalike.synthesizers.tvae import Tvae as Tvae

__version__: str
