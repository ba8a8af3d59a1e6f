"""The wines of the guide's first page."""

from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE
from sklatent.plotting import EmbeddingDisplay

wine = load_wine(as_frame=True)
model = make_pipeline(StandardScaler(), VAE(2, random_state=0)).fit(wine.data)
EmbeddingDisplay.from_estimator(model, wine.data, wine.target_names[wine.target])
