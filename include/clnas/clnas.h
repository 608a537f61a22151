/* clnas.h - the whole public interface, bottom floor first. */
#ifndef CLNAS_H
#define CLNAS_H
#include <clnas/base.h>
#include <clnas/device.h>
#include <clnas/tensor.h>
#include <clnas/ops.h>
#include <clnas/data.h>
#include <clnas/graph.h>
#include <clnas/net.h>
#include <clnas/export.h>
#include <clnas/import.h>
#include <clnas/train.h>
#include <clnas/space.h>
#include <clnas/learn.h>
#include <clnas/study.h>
#include <clnas/eval.h>
#include <clnas/search.h>
#include <clnas/session.h>
#include <clnas/report.h>
#endif
