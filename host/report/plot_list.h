/* plot_list.h - every picture of a study that `clnas plot` draws alone and the report has among its sections.
 * host/report/plot_NAME.c defines nas__plot_NAME. */
NAS_PLOT(network)
NAS_PLOT(cell)
NAS_PLOT(history)
NAS_PLOT(pareto)
NAS_PLOT(curves)
NAS_PLOT(supernet)
NAS_PLOT(importance)
NAS_PLOT(timeline)
