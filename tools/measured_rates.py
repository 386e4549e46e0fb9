"""Write config/rates.csv: times and memory of the steps that were measured, from evidence/.

python tools/measured_rates.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
from deblend.run.limits import slowest, write_rates  # noqa: E402
from deblend.run.plan import measured  # noqa: E402

if __name__ == "__main__":
    write_rates(ROOT / "config/rates.csv", slowest(measured(ROOT / "evidence")))
