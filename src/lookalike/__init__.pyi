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
    look as look,
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
    relations as relations,
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
from lookalike.generators.base import Generator as Generator
from lookalike.generators.base import ModelColumn as ModelColumn
from lookalike.models.base import Model as Model
from lookalike.recipe.model import Recipe as Recipe
from lookalike.recipe.model import Table as Table
from lookalike.rows.batch import Batch as Batch
from lookalike.rows.context import Context as Context
from lookalike.run.folder import RunFolder as RunFolder
from lookalike.steps.base import Step as Step
from lookalike.synthesizers.base import Synthesizer as Synthesizer
from lookalike.synthesizers.constraints.constrained import Constrained as Constrained
from lookalike.synthesizers.forest.model import Forest as Forest
from lookalike.synthesizers.imputation.impute import impute as impute
from lookalike.synthesizers.methods.adasyn import Adasyn as Adasyn
from lookalike.synthesizers.methods.arf import Arf as Arf
from lookalike.synthesizers.methods.auto import Auto as Auto
from lookalike.synthesizers.methods.autoregressive import Autoregressive as Autoregressive
from lookalike.synthesizers.methods.bayes_net import BayesNet as BayesNet
from lookalike.synthesizers.methods.cart import Cart as Cart
from lookalike.synthesizers.methods.copula import Copula as Copula
from lookalike.synthesizers.methods.ctgan import Ctgan as Ctgan
from lookalike.synthesizers.methods.diffusion import Diffusion as Diffusion
from lookalike.synthesizers.methods.fair import Fair as Fair
from lookalike.synthesizers.methods.independent import Independent as Independent
from lookalike.synthesizers.methods.smote import Smote as Smote
from lookalike.synthesizers.methods.tvae import Tvae as Tvae
from lookalike.synthesizers.private.aim import Aim as Aim
from lookalike.synthesizers.private.mst import Mst as Mst

__version__: str
from lookalike.synthesizers.relational.model import (
    Relational as Relational,
)
