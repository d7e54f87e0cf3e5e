# 档案台：`make` 列出全部命令。两条就够用：make run，make test。
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run setup test test-slow test-browser test-postgres contract fuzz check format bench lock test-fresh clean

HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml .ci/setup.in --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(UPGRADE)

help: ## 列出这些命令
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## 一条命令启动：准备环境、建立演示数据、打开 http://127.0.0.1:8000（PORT=… 换端口）
	@.ci/setup run
	@$(BIN)/archive demo
	@exec $(BIN)/archive serve --host $(HOST) --port $(PORT)

test: ## 准备环境，运行测试（最慢的几组和浏览器另有命令；ARGS=… 传给 pytest）
	@.ci/setup dev
	@$(BIN)/python -m pytest -m "not browser and not slow" -n 2 --dist loadfile $(ARGS)

test-slow: ## 最慢的几组：杀掉进程、一池 LibreOffice、随机的借阅日子、公司目录、病毒扫描
	@.ci/setup slow
	@$(BIN)/python -m pytest -m "slow and not browser" -n 2 --dist loadfile $(ARGS)

test-browser: ## 在无界面的 Chromium 里走一遍全程（没有浏览器时跳过）
	@.ci/setup browser
	@.ci/test-browser $(ARGS)

test-postgres: ## 和数据库有关的测试在真的 PostgreSQL 上再跑一遍（没有就装；TEST_DATABASE_URL=… 用现有的）
	@.ci/setup dev
	@.ci/test-postgres $(ARGS)

contract: ## 拿接口自己的约定（openapi.json）逐个调用去问：各种角色，合规的和不合规的
	@.ci/setup dev
	@CONTRACT_EXAMPLES=4 $(BIN)/python -m pytest tests/web/test_contract.py tests/web/test_contract_walk.py -n 2 --dist loadfile $(ARGS)

fuzz: ## 乱改的词、表单定义、文件、封装包：约十分钟（FUZZ_EXAMPLES=… 改次数）
	@.ci/setup dev
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-1500} $(BIN)/python -m pytest tests/fuzz -n 2 --dist load $(ARGS)

check: ## 代码规则：ruff、格式、类型、单向引用
	@.ci/setup dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: ## 按统一格式改写代码
	@.ci/setup dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: ## 只准备环境（含测试工具）和系统软件，不启动
	@.ci/setup dev

bench: ## 量速度和内存，写入 bench/RESULTS.md
	@.ci/setup dev
	@$(BIN)/python -m bench $(ARGS)

test-fresh: ## 在全新的 Debian 12 里从头验证（需要 root 和 debootstrap，约十分钟）
	@.ci/test-fresh

lock: ## 按 pyproject.toml 重写两个锁文件（UPGRADE=--upgrade 升级全部版本）
	@.ci/setup dev
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev --extra postgres --no-annotate -c requirements.lock -o requirements-dev.lock

clean: ## 删除虚拟环境和缓存（不动 instance/ 里的数据）
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
