# docs/recipes/, followed to the letter: copies of the named files under new names and one list line each build, are described, run
# and are proved by the doctor.  In a copy of the source; touches no other file.
. "$(dirname "$0")/helper.sh"
last="recipes"; code=0; : >out.txt; : >err.txt

mkdir tree
for part in CMakeLists.txt cl cmake configs docs host include tools tests LICENSE; do
    cp -r "$NAS_SOURCE_FOLDER/$part" tree/
done
cd tree
copy() # FROM TO SED: a file copied under another name, its descriptor renamed
{
    sed "$3" "$1" >"$2"
}
copy host/search/random.c host/search/toy_strategy.c 's/strategy_random/strategy_toy_strategy/; s/name = "random"/name = "toy_strategy"/'
echo 'NAS_STRATEGY(toy_strategy)' >>host/search/strategy_list.h
copy host/data/synthetic.c host/data/toy_data.c 's/dataset_synthetic/dataset_toy_data/; s/{"synthetic"/{"toy_data"/; s/name = "synthetic"/name = "toy_data"/'
echo 'NAS_DATASET(toy_data)' >>host/data/dataset_list.h
copy host/ops/shuffle.c host/ops/toy_op.c 's/op_shuffle/op_toy_op/; s/{"shuffle"/{"toy_op"/; s/shuffle\.c/toy_op.c/'
echo 'NAS_OP(toy_op)' >>host/ops/op_list.h
for part in .c .h _words.c; do
    copy host/space/chain$part host/space/toy_space$part 's/chain/toy_space/g'
done
sed -i 's/^    chain_words\.c$/&\n    toy_space_words.c/' host/space/CMakeLists.txt
echo 'NAS_SPACE(toy_space)' >>host/space/space_list.h
copy host/train/sgd.c host/train/toy_optimizer.c 's/optimizer_sgd/optimizer_toy_optimizer/; s/name = "sgd"/name = "toy_optimizer"/; s/"sgd", "sgd"/"toy_optimizer", "toy_optimizer"/'
copy cl/sgd.cl cl/toy_optimizer.cl 's/void sgd(/void toy_optimizer(/'
echo 'NAS_OPTIMIZER(toy_optimizer)' >>host/train/optimizer_list.h
cd ..
cmake -S tree -B build -DNAS_TESTS=OFF -DNAS_TOOLS=OFF >err.txt 2>&1 || fail "the copy does not configure"
cmake --build build --target clnas -j 2 >err.txt 2>&1 || fail "the copy does not build"
NAS_PROGRAM=$scratch/build/bin/clnas

for name in "strategy toy_strategy" "dataset toy_data" "op toy_op" "space toy_space" "optimizer toy_optimizer"; do
    # shellcheck disable=SC2086
    run describe $name; expect_code 0; expect_out "$name"
done
have_device || exit 0
write_small_config
sed -i 's/"random"/"toy_strategy"/; s/"synthetic"/"toy_data"/; s/"chain"/"toy_space"/; s/epochs = 1; batch = 32/epochs = 1; batch = 32; optimizer = "toy_optimizer"/' small.cfg
run search small.cfg --no-retrain; expect_code 0; expect_out "4 trials"
run doctor --quick -f json
expect_json 'any(f["check"] == "op toy_op" and f["status"] == "ok" for f in x["findings"])'
