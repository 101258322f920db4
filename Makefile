# make run               set up, fly a simulated drone over a simulated field, map it, serve the dashboard
# make run FLIGHT=DIR    the same with your own photos
# make test              everything a change must pass
# make lint              the style, type and import checks alone
# make translations      bring the message catalogues in step with the sources
# make browser           the whole dashboard: every journey in two languages, on a phone and at a desk, every page held against axe
#                        in every theme and size; pictures into FIELDBOX_SCREENSHOTS, if set (chromium, mosquitto; 20 minutes)
# make pictures          the pictures of the documents, taken anew of a box that was made for them (chromium; minutes)
# make proof-long        the tests that make test leaves out for their time: films, bands, what is killed midway (minutes)
# make proof-kill        kill a run fifty times, prove that nothing is lost (minutes)
# make proof-ingest      kill an ingest 200 times, pull the plug 50 times (root, libfuse2; a quarter of an hour)
# make proof-fuzz        read 10,000 mutated files, prove that nothing but a sentence comes of them (minutes)
# make proof-fuzz-guided look for inputs that reach new code of every parser, prove the same of them (half an hour; x86-64)
# make proof-copy        copy 500 files of 6 MB from a slow card, beside cp && sync (root, libfuse2; minutes)
# make proof-arrival     plug in a slow card of 500 photos, tell how soon its check stands on the dashboard (root, libfuse2; minutes)
# make proof-card        plug sticks into a whole machine under QEMU, pull them out, cut its power (root, see CONTRIBUTING.md)
# make proof-directions  map flights without directions and heights, compare with their tags (minutes)
# make proof-rows        map fields with straight, curved and terraced rows, compare with what was sown (minutes)
# make proof-change      fly a made field twice, hold what is said to have changed against the truth (minutes)
# make proof-outbox      pull the plug 100 times while messages come and go (root, libfuse2; minutes)
# make proof-season      240 days without a link, 200 power cuts, then GPRS: all arrives once (root for a full disk; minutes)
# make proof-decisions   fly made fields with RTK and without, count the true weeds on what is sprayed (minutes)
# make proof-dashboard  ten people open pages while a flight is mapped: how long pages, tiles and the flight take (minutes)
# make proof-alert       count the IP bytes of one alert from a cold start, over a real broker (mosquitto)
# make proof-hub         what a hub takes in a second over SQLite and PostgreSQL, what messages weigh on a stick (minutes)
# make proof-sms         kill a box that texts 200 times, count what is on the phone (root, modemmanager; minutes)
# make proof-2g          send 5,000 summaries and single alerts through a poor 2G link, count the bytes (root, mosquitto; half an hour)
# make proof-link-kills  kill box, broker and hub 200 times while messages go, prove that none is lost or doubled (mosquitto; minutes)
# make proof-api         ask every operation of the API with 300 made-up inputs, right and wrong (minutes)
# make lock              refresh both lock files (needs uv)

PYTHON ?= python3
VENV   ?= .venv
ROOT   ?= $(CURDIR)/.fieldbox
FLIGHT ?=
MACHINE ?= /var/tmp/fieldbox-machine
BIN    := $(VENV)/bin
export FIELDBOX_STORAGE__ROOT ?= $(ROOT)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Tests that load NumPy before fieldbox: one thread for a matrix product, as fieldbox itself has it.
export OPENBLAS_NUM_THREADS = 1
# Hundreds of processes load the same modules: compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test browser pictures lint format lock clean translations proof-kill proof-ingest proof-fuzz proof-fuzz-guided proof-copy \
        proof-arrival proof-card proof-directions proof-rows proof-change proof-decisions proof-outbox proof-season proof-hub \
        proof-api proof-long proof-sms proof-alert proof-dashboard proof-2g proof-link-kills

run: $(VENV)/.runtime
	$(BIN)/fieldbox demo $(if $(FLIGHT),--flight "$(FLIGHT)")

test: $(VENV)/.develop
	tests/system-packages.sh
	$(MAKE) lint
	# One more than two cores: many tests wait for a disk or for a process of their own.
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

browser: $(VENV)/.develop
	FIELDBOX_BROWSER_FULL=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder tests/browser

pictures: $(VENV)/.develop
	$(BIN)/python -m tests.browser.pictures docs

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.develop
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

translations: $(VENV)/.develop
	$(BIN)/python -m fieldbox.dashboard.catalogue

proof-long: $(VENV)/.develop
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m long

proof-kill: $(VENV)/.develop
	$(BIN)/python -m tests.durability.kill_proof --kills 50

proof-ingest: $(VENV)/.develop
	$(BIN)/python -m tests.durability.ingest_proof --kills 200 --cuts 50

proof-fuzz: $(VENV)/.develop
	$(BIN)/python -m tests.fuzz.mutated --count 10000

# A fuzzer that only this needs, beside the environment and not in it.
proof-fuzz-guided: $(VENV)/.fuzz
	PYTHONPATH=$(VENV)/fuzz $(BIN)/python -m tests.fuzz.guided --minutes 30 --findings $(ROOT)/fuzz

proof-copy: $(VENV)/.develop
	$(BIN)/python -m tests.durability.copy_proof

proof-arrival: $(VENV)/.develop
	$(BIN)/python -m tests.durability.arrival_proof --flight $(ROOT)/flight-500

proof-card: $(VENV)/.develop
	$(BIN)/python -m tests.machine.card_proof --at $(MACHINE)

proof-directions: $(VENV)/.develop
	$(BIN)/python -m tests.path.directions_proof

proof-outbox: $(VENV)/.develop
	$(BIN)/python -m tests.durability.outbox_proof --cuts 100

proof-season: $(VENV)/.develop
	$(BIN)/fieldbox simulate season --days 240 --cuts 200

proof-rows: $(VENV)/.develop
	$(BIN)/python -m tests.path.rows_proof

proof-change: $(VENV)/.develop
	$(BIN)/python -m tests.path.change_proof

proof-decisions: $(VENV)/.develop
	$(BIN)/python -m tests.path.decided_proof

proof-dashboard: $(VENV)/.develop
	$(BIN)/python -m tests.dashboard.load_proof

proof-alert: $(VENV)/.develop
	$(BIN)/python -m tests.sync.alert_proof

proof-hub: $(VENV)/.develop
	$(BIN)/python -m tests.hub.hub_proof

proof-sms: $(VENV)/.develop
	$(BIN)/python -m tests.durability.sms_proof --kills 200

proof-api: $(VENV)/.develop
	$(BIN)/python -m tests.dashboard.api.contract --examples 300

proof-2g: $(VENV)/.develop
	$(BIN)/python -m tests.durability.twog_proof

proof-link-kills: $(VENV)/.develop
	$(BIN)/python -m tests.durability.link_kill_proof --kills 200

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.develop: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.runtime

$(VENV)/.fuzz: tests/fuzz/requirements.txt $(VENV)/.develop
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: --upgrade --target $(VENV)/fuzz -r $<
	touch $@

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
          --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --group build
lock:
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info
